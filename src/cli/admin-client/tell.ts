import { Unreachable } from "../../core/unreachable.ts";
import type { Problem } from "../../core/problem.ts";
import { type Args, EXIT, type ExitCode, type Io } from "../command.ts";
import { tellError } from "../error-output.ts";
import { inOneLine, problemLines } from "../print.ts";
import type { AdminAnswer } from "./answer.ts";

type AdminFailure = Exclude<AdminAnswer, { kind: "ok" }>;

/** Says what went wrong and how to mend it, and what to exit with. */
export function tellFailure(failure: AdminFailure, url: string, args: Args, io: Io): ExitCode {
  const { detail, problems, hint, code } = describe(failure, url);
  for (const line of problemLines(problems)) io.stderr.write(`${line}\n`);
  const name = failure.kind === "refused" ? "ADMIN_REFUSED" : "ADMIN_UNREACHABLE";
  const status = failure.kind === "unreachable" ? undefined : failure.status;
  const more = problems.length === 0 ? {} : { problems };
  return tellError({ code: name, detail, hint, status, ...more, exit_code: code }, args.text("output"), io);
}

interface ToldProblem {
  readonly detail: string;
  readonly problems: readonly Problem[];
  readonly hint: string | undefined;
  readonly code: ExitCode;
}

function describe(failure: AdminFailure, url: string): ToldProblem {
  switch (failure.kind) {
    case "unreachable": {
      const detail = `cannot reach the admin API at ${url}: ${inOneLine(failure.reason)}`;
      return { detail, problems: [], hint: failure.hint, code: EXIT.unreachable };
    }
    case "foreign": {
      const detail = `what answers at ${url} (status ${failure.status}) is not the admin API`;
      const hint = "name the admin listener of a node (node.listen.admin) with --url; OTLP has other ports";
      return { detail, problems: [], hint, code: EXIT.unreachable };
    }
    case "refused": {
      const { problems } = failure;
      const detail = inCliWords(inOneLine(failure.detail));
      const { hint, code = EXIT.failure } = OF_STATUS[failure.status] ?? {};
      const said = failure.hint === undefined ? undefined : inCliWords(inOneLine(failure.hint));
      const fault = failure.status >= 500 ? "the log of the node tells more" : undefined;
      return { detail, problems, hint: said ?? hint ?? fault, code };
    }
    default:
      throw new Unreachable(failure);
  }
}

/** What a status means to people, and what to exit with; 1 for all others. */
const OF_STATUS: Readonly<Record<number, { readonly hint?: string; readonly code?: ExitCode }>> = {
  400: { code: EXIT.invalidConfig },
  401: { hint: "give one of node.admin.tokens: --token <token>, or SIGNALBOX_TOKEN" },
  403: { hint: "use a token with a higher role: viewer looks, operator drains, admin changes the config" },
  404: { code: EXIT.notFound },
  409: { code: EXIT.conflict },
  412: {
    hint: "somebody changed the config: look at signalbox config history, and try again",
    code: EXIT.conflict,
  },
  422: { code: EXIT.invalidConfig },
  429: { hint: "the node is busy with others: try again in a moment" },
};

/** What the API says in its own words, and the command line in others. */
const WORDS: readonly (readonly [RegExp, string])[] = [
  [/\?force=true/gu, "--force"],
  [/; change it with PUT$/u, "; change it with the command set"],
  [/; \/api\/v1\/config\/versions lists those that are/u, "; signalbox config history lists those that are"],
  [/see last_problems of \/api\/v1\/node/u, "signalbox validate tells what is wrong with it"],
  [/; \/openapi\.json lists what there is/u, "; the node may be older than this command"],
  [/If-Match takes a version as in the ETag: "5"/u, "--if-match takes a version, such as 5"],
  [/send a token: Authorization: Bearer <token>/u, "this needs a token"],
  [/\/api\/v1\/node/gu, "the node's status"],
];

/** A text of the API as the command line says it. */
function inCliWords(text: string): string {
  return WORDS.reduce((left, [pattern, words]) => left.replace(pattern, words), text);
}
