import { inspect } from "node:util";
import { relative } from "node:path";
import type { TestEvent } from "node:test/reporters";

interface Ended {
  readonly name: string;
  readonly file: string;
  readonly line: number | undefined;
}
interface Seen {
  readonly failed: (Ended & { readonly error: unknown })[];
  readonly skipped: (Ended & { readonly why: string })[];
  closing: string[];
}

/**
 * A compact reporter: one line for each file, failures in full, skips with their reasons, and at the end Node's own closing
 * lines, which tell how many tests ran.
 */
export default async function* report(source: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  const seen: Seen = { failed: [], skipped: [], closing: [] };
  for await (const event of source) {
    const text = reportEvent(event, seen);
    if (text !== "") yield text;
  }
  for (const { name, file, why } of seen.skipped) yield `\n﹣ SKIPPED ${name} (${file}): ${why}`;
  if (seen.failed.length > 0) yield `\n✖ ${seen.failed.length} failed:\n${seen.failed.map(titleOf).join("\n")}\n`;
  yield `\n${seen.closing.join("\n")}\n`;
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
      return event.data.file === undefined ? "" : fileLine(event.data.file, event.data);
    case "test:diagnostic":
      if (event.data.nesting === 0) seen.closing.push(`ℹ ${event.data.message}`);
      return "";
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

function fileLine(file: string, { counts, success, duration_ms: tookMs }: SummaryData): string {
  const skipped = counts.skipped > 0 ? `, ${counts.skipped} skipped` : "";
  const seconds = (tookMs / 1_000).toFixed(1);
  return `${success ? "✔" : "✖"} ${relative(process.cwd(), file)} (${counts.passed} of ${counts.tests} passed${skipped}, ${seconds} s)\n`;
}
