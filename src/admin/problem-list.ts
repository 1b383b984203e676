import { formatProblem, type Problem } from "../core/problem.ts";
import { problemReply } from "./problem-details.ts";
import type { AdminReply } from "./route.ts";

/** Problems for people and programs: each with `text`, the line that a command line would print. */
export function problemList(problems: readonly Problem[]): readonly object[] {
  return problems.map((problem) => ({ ...problem, text: formatProblem(problem) }));
}

/** 422, or another status, for what can be read and is wrong. */
export function problemsReply(status: number, detail: string, problems: readonly Problem[]): AdminReply {
  return problemReply(status, detail, { more: { problems: problemList(problems) } });
}

/** One problem by itself. */
export function errorAt(path: string, message: string, hint?: string): Problem {
  return { severity: "error", path, message, ...(hint !== undefined && { hint }) };
}
