import { inspect } from "node:util";
import { relative } from "node:path";
import type { TestEvent } from "node:test/reporters";
import { leaveCounts, type SkippedTest, TITLE } from "./run-counts.ts";

interface Ended {
  readonly name: string;
  readonly file: string;
  readonly line: number | undefined;
}
interface Seen {
  readonly failed: string[];
  readonly skipped: SkippedTest[];
  readonly told: string[];
}
/** Node's own counts, which come as what a test tells does. */
const COUNT = /^(?:tests|suites|pass|fail|cancelled|skipped|todo|duration_ms) [\d.]+$/u;

/**
 * A compact reporter for one process of tests: failures in full, and a line for its file, or its
 * files, at the end.
 * It leaves its counts for test/run.ts, and what tests tell, or Node of what they left behind.
 */
export default async function* report(source: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  const seen: Seen = { failed: [], skipped: [], told: [] };
  for await (const event of source) {
    const text = reportEvent(event, seen);
    if (text !== "") yield text;
  }
}

function reportEvent(event: TestEvent, seen: Seen): string {
  switch (event.type) {
    case "test:fail":
      return failed(event.data, seen);
    case "test:pass": {
      const why = event.data.skip ?? event.data.todo;
      const { name, file } = placeOf(event.data);
      if (why !== undefined) seen.skipped.push({ name, file, why: why === true ? "no reason given" : String(why) });
      return "";
    }
    case "test:diagnostic":
      if (event.data.nesting === 0 && !COUNT.test(event.data.message)) seen.told.push(event.data.message);
      return "";
    case "test:summary":
      return summary(event.data, seen);
    default:
      return "";
  }
}

type FailData = Extract<TestEvent, { type: "test:fail" }>["data"];
type SummaryData = Extract<TestEvent, { type: "test:summary" }>["data"];

function failed(data: FailData, seen: Seen): string {
  const { error: wrapper } = data.details;
  const { cause } = wrapper as { readonly cause?: unknown };
  const error = cause ?? wrapper;
  // What a suite or file reports when something in it failed: that was told where it happened.
  if ("failureType" in wrapper && wrapper.failureType === "subtestsFailed") return "";
  const title = titleOf(placeOf(data));
  seen.failed.push(title);
  const text = inspect(error, { depth: 5 }).replaceAll(/^ +at .*(node:internal|new Promise \(<anon).*\n/gmu, "");
  return `\n${title}\n${text.replaceAll(/^/gmu, "    ")}\n\n`;
}

function placeOf(data: { name: string; file?: string; line?: number }): Ended {
  return { name: data.name, file: data.file === undefined ? "?" : relative(process.cwd(), data.file), line: data.line };
}

function titleOf({ name, file, line }: Ended): string {
  return `✖ ${name} (${file}${line === undefined ? "" : `:${line}`})`;
}

function summary(data: SummaryData, { failed: titles, skipped, told }: Seen): string {
  const { tests, passed } = data.counts;
  leaveCounts({ tests, passed, failed: titles, skipped, told });
  return fileLine(process.env[TITLE] ?? relative(process.cwd(), data.file ?? process.argv[1] ?? "?"), data);
}

function fileLine(title: string, { counts, success, duration_ms: tookMs }: SummaryData): string {
  const skipped = counts.skipped > 0 ? `, ${counts.skipped} skipped` : "";
  const seconds = (tookMs / 1_000).toFixed(1);
  const mark = counts.skipped === counts.tests && counts.tests > 0 ? "﹣" : "✔";
  return `${success ? mark : "✖"} ${title} (${counts.passed} of ${counts.tests} passed${skipped}, ${seconds} s)\n`;
}
