import { Lexer } from "yaml";

/** The text with its comments changed; each is handed over from its # to the end of its line. All else stays as it is. */
export function mapComments(text: string, change: (comment: string) => string): string {
  let result = "";
  let isScalar = false;
  for (const lexeme of new Lexer().lex(text)) {
    const isMark = MARKS.has(lexeme);
    if (!isMark) result += !isScalar && lexeme.startsWith("#") ? change(lexeme) : lexeme;
    isScalar = lexeme === SCALAR;
  }
  return result;
}

/** The lexer's own signs, which are in no text: the next lexeme is a scalar as it stands. */
const SCALAR = "\u001F";
const MARKS = new Set([SCALAR, "\u0002", "\u0018"]);
