import { RE2JS, RE2JSException, RE2JSSyntaxException } from "re2js";
import { z } from "zod";

/** A pattern in RE2 syntax; known to compile. */
export const RegexSchema = z.string().superRefine((pattern, context) => {
  const fault = regexFault(pattern);
  if (fault !== undefined) context.addIssue({ code: "custom", message: fault });
});

/** What is wrong with the pattern and where, and a hint on a second line; undefined when it compiles. */
export function regexFault(pattern: string): string | undefined {
  if (pattern.length > LONGEST_PATTERN) return `the pattern is longer than ${LONGEST_PATTERN} characters`;
  try {
    RE2JS.compile(pattern);
    return undefined;
  } catch (cause) {
    if (cause instanceof RE2JSSyntaxException)
      return `bad pattern: ${cause.getDescription()}${place(pattern, cause)}${HINT}`;
    if (cause instanceof RE2JSException) return `bad pattern: ${cause.message}${HINT}`;
    throw cause;
  }
}

const LONGEST_PATTERN = 4_096;
const HINT = "\npatterns are RE2 syntax: no look-around, no back-references; \\ takes the meaning of a character away";

/** The engine names the faulty part, not its place: it is found again, where it stands only once. */
function place(pattern: string, cause: RE2JSSyntaxException): string {
  const part = cause.getPattern();
  if (part === null || part === pattern) return ` in "${pattern}"`;
  const at = pattern.indexOf(part);
  const once = at !== -1 && pattern.indexOf(part, at + 1) === -1;
  return ` in "${part}"${once ? ` at character ${at + 1}` : ""}`;
}
