import { inspect } from "node:util";
import { relative } from "node:path";
import type { TestEvent } from "node:test/reporters";
import { leaveCounts } from "./run-counts.ts";

interface Ended {
  readonly name: string;
  readonly file: string;
  readonly line: number | undefined;
}
interface Seen {
  readonly failed: (Ended & { readonly error: unknown })[];
  readonly skipped: (Ended & { readonly why: string })[];
  closing: string[];
  /** Of all files together. */
  counts: SummaryData["counts"] | undefined;
}

/**
 * A compact reporter: one line for each file, failures in full, skips with their reasons, and at
 * the end Node's own closing lines, which tell how many tests ran. It leaves its counts for
 * test/run.ts.
 */
export default async function* report(source: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  const seen: Seen = { failed: [], skipped: [], closing: [], counts: undefined };
  for await (const event of source) {
    const text = reportEvent(event, seen);
    if (text !== "") yield text;
  }
  for (const line of skipLines(seen.skipped)) yield `\n﹣ SKIPPED ${line}`;
  if (seen.failed.length > 0) yield `\n✖ ${seen.failed.length} failed:\n${seen.failed.map(titleOf).join("\n")}\n`;
  yield `\n${seen.closing.join("\n")}\n`;
  const { passed = 0, tests = 0, skipped = 0 } = seen.counts ?? {};
  leaveCounts({ tests, passed, failed: seen.failed.length, skipped });
}

function reportEvent(event: TestEvent, seen: Seen): string {
  switch (event.type) {
    case "test:fail":
      return failed(event.data, seen);
    case "test:pass": {
      const why = event.data.skip ?? event.data.todo;
      if (why !== undefined)
        seen.skipped.push({ ...placeOf(event.data), why: why === true ? "no reason given" : String(why) });
      return "";
    }
    case "test:stdout":
    case "test:stderr":
      return event.data.message;
    case "test:summary":
      return summary(event.data, seen);
    case "test:diagnostic":
      if (event.data.nesting === 0) seen.closing.push(`ℹ ${event.data.message}`);
      return "";
    default:
      return "";
  }
}

/** One line for each test, or for all of a file that are skipped for the same reason. */
function skipLines(skipped: Seen["skipped"]): string[] {
  const groups = Map.groupBy(skipped, ({ file, why }) => `${file}: ${why}`);
  return Array.from(
    groups,
    ([reason, tests]) => `${tests.length === 1 ? tests[0]!.name : `${tests.length} tests`}, ${reason}`,
  );
}

type FailData = Extract<TestEvent, { type: "test:fail" }>["data"];
type SummaryData = Extract<TestEvent, { type: "test:summary" }>["data"];

function failed(data: FailData, seen: Seen): string {
  const { error: wrapper } = data.details;
  const { cause } = wrapper as { readonly cause?: unknown };
  const error = cause ?? wrapper;
  // What a suite or file reports when something in it failed: that was told where it happened.
  if ("failureType" in wrapper && wrapper.failureType === "subtestsFailed") return "";
  const failure = { ...placeOf(data), error };
  seen.failed.push(failure);
  const text = inspect(error, { depth: 5 }).replaceAll(/^ +at .*(node:internal|new Promise \(<anon).*\n/gmu, "");
  return `\n${titleOf(failure)}\n${text.replaceAll(/^/gmu, "    ")}\n\n`;
}

function placeOf(data: { name: string; file?: string; line?: number }): Ended {
  return { name: data.name, file: data.file === undefined ? "?" : relative(process.cwd(), data.file), line: data.line };
}

function titleOf({ name, file, line }: Ended): string {
  return `✖ ${name} (${file}${line === undefined ? "" : `:${line}`})`;
}

/** One comes for each file, and at the end one for all of them. */
function summary(data: SummaryData, seen: Seen): string {
  if (data.file === undefined) {
    seen.counts = data.counts;
    return "";
  }
  return fileLine(data.file, data);
}

function fileLine(file: string, { counts, success, duration_ms: tookMs }: SummaryData): string {
  const skipped = counts.skipped > 0 ? `, ${counts.skipped} skipped` : "";
  const seconds = (tookMs / 1_000).toFixed(1);
  const mark = counts.skipped === counts.tests && counts.tests > 0 ? "﹣" : "✔";
  return `${success ? mark : "✖"} ${relative(process.cwd(), file)} (${counts.passed} of ${counts.tests} passed${skipped}, ${seconds} s)\n`;
}
