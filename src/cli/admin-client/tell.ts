import { formatProblem, type Problem } from "../../core/problem.ts";
import { Unreachable } from "../../core/unreachable.ts";
import type { Output } from "../command.ts";
import { EXIT, type ExitCode } from "../exit-code.ts";
import { inCliWords } from "./cli-words.ts";
import { inOneLine } from "../table.ts";
import type { AdminAnswer } from "./answer.ts";

export type AdminFailure = Exclude<AdminAnswer, { kind: "ok" }>;

/** Says on stderr what went wrong and how to mend it, and what to exit with. */
export function tellFailure(failure: AdminFailure, url: string, stderr: Output): ExitCode {
  const { lines, hint, code } = describe(failure, url);
  for (const line of lines) stderr.write(`${line}\n`);
  if (hint !== undefined) stderr.write(`  ${hint}\n`);
  return code;
}

/** One line for each, as the command validate prints them. */
export function problemLines(problems: readonly Problem[]): string[] {
  return problems.map((problem) => inOneLine(formatProblem(problem)));
}

interface Told {
  readonly lines: readonly string[];
  readonly hint: string | undefined;
  readonly code: ExitCode;
}

function describe(failure: AdminFailure, url: string): Told {
  switch (failure.kind) {
    case "unreachable": {
      const line = `signalbox: cannot reach the admin API at ${url}: ${inOneLine(failure.reason)}`;
      return { lines: [line], hint: failure.hint, code: EXIT.unreachable };
    }
    case "foreign": {
      const line = `signalbox: what answers at ${url} (status ${failure.status}) is not the admin API`;
      return {
        lines: [line],
        hint: "name the admin listener of a node (node.listen.admin) with --url; OTLP has other ports",
        code: EXIT.unreachable,
      };
    }
    case "refused": {
      const lines = [...problemLines(failure.problems), `signalbox: ${inCliWords(inOneLine(failure.detail))}`];
      const { hint, code } = ofStatus(failure.status);
      return { lines, hint: failure.hint === undefined ? hint : inCliWords(inOneLine(failure.hint)), code };
    }
    default:
      throw new Unreachable(failure);
  }
}

function ofStatus(status: number): Pick<Told, "hint" | "code"> {
  switch (status) {
    case 400:
    case 422:
      return { hint: undefined, code: EXIT.invalidConfig };
    case 401:
      return { hint: "give one of node.admin.tokens: --token <token>, or SIGNALBOX_TOKEN", code: EXIT.failure };
    case 403:
      return {
        hint: "use a token with a higher role: viewer looks, operator drains, admin changes the config",
        code: EXIT.failure,
      };
    case 404:
      return { hint: undefined, code: EXIT.notFound };
    case 409:
      return { hint: undefined, code: EXIT.conflict };
    case 429:
      return { hint: "the node is busy with others: try again in a moment", code: EXIT.failure };
    case 412:
      return {
        hint: "somebody changed the config: look at signalbox config history, and try again",
        code: EXIT.conflict,
      };
    default:
      return { hint: status >= 500 ? "the log of the node tells more" : undefined, code: EXIT.failure };
  }
}
