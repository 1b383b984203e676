import { globSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

export const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** A fenced block of a page. */
export interface Fence {
  /** What follows the three backticks: `yaml condition`. */
  readonly info: string;
  readonly text: string;
  /** Of its first line of text, from 1. */
  readonly line: number;
}

/** One Markdown file of the repository. */
export interface Page {
  /** From the root: `docs/rules.md`. */
  readonly path: string;
  readonly fences: readonly Fence[];
  /** The text without fenced blocks, line by line, so that numbers of lines stay right. */
  readonly prose: readonly string[];
}

/** All pages that people read. */
export function readPages(): Page[] {
  const paths = globSync(["*.md", "docs/**/*.md", "examples/**/*.md", "bench/**/*.md"], { cwd: ROOT });
  return paths.toSorted().map((path) => readPage(path, readFileSync(`${ROOT}${path}`, "utf8")));
}

export function readPage(path: string, text: string): Page {
  const fences: Fence[] = [];
  const prose: string[] = [];
  let open: { info: string; lines: string[]; line: number } | undefined;
  for (const [i, line] of text.split("\n").entries()) {
    const mark = /^```(?<info>.*)$/u.exec(line);
    if (mark === null) {
      open?.lines.push(line);
      prose.push(open === undefined ? line : "");
      continue;
    }
    prose.push("");
    if (open === undefined) {
      open = { info: mark.groups?.["info"]?.trim() ?? "", lines: [], line: i + 2 };
    } else {
      fences.push({ info: open.info, text: `${open.lines.join("\n")}\n`, line: open.line });
      open = undefined;
    }
  }
  if (open !== undefined) throw new Error(`${path}:${open.line}: a fenced block has no end`);
  return { path, fences, prose };
}

/** The anchors of a page's headings, as GitHub makes them. */
export function anchorsOf(page: Page): Set<string> {
  const anchors = new Set<string>();
  for (const line of page.prose) {
    const title = /^#{1,6} +(?<title>.*?) *$/u.exec(line)?.groups?.["title"];
    if (title === undefined) continue;
    const slug = title
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, "")
      .replaceAll(" ", "-");
    let anchor = slug;
    for (let n = 1; anchors.has(anchor); n++) anchor = `${slug}-${n}`;
    anchors.add(anchor);
  }
  return anchors;
}

/** Everything that stands between single backticks, with its line. */
export function codeSpans(page: Page): { readonly text: string; readonly line: number }[] {
  return page.prose.flatMap((text, i) =>
    [...text.matchAll(/`(?<code>[^`]+)`/gu)].map((match) => ({ text: match.groups?.["code"] ?? "", line: i + 1 })),
  );
}
