import { HEADER_NAME } from "../../core/header-name.ts";

/** What cannot be sent: to do it again is of no use. */
export class BadRequestHead extends Error {
  override readonly name = "BadRequestHead";
}

interface RequestHeadParts {
  readonly method: "GET" | "POST";
  /** The origin form: a path, with its query. */
  readonly target: string;
  /** Name or address of the peer, with its port unless it is the usual one. */
  readonly host: string;
  readonly connection: "keep-alive" | "close";
  /** All others, but for the length of a body. */
  readonly headers: Readonly<Record<string, string>>;
}

const TARGET = /^\/[\x21-\x7e\x80-\xff]*$/u;
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/u;

/**
 * The head of a request, in latin1, without its empty line. Whatever a config let pass, a line end
 * within one would be another request: throws BadRequestHead.
 */
export function requestHeadText({ method, target, host, connection, headers }: RequestHeadParts): string {
  if (!TARGET.test(target)) throw new BadRequestHead("the path has characters that no path may have");
  let text = `${method} ${target} HTTP/1.1\r\nhost: ${host}\r\nconnection: ${connection}\r\n`;
  for (const [name, value] of Object.entries(headers)) {
    if (!HEADER_NAME.test(name)) throw new BadRequestHead(`"${name}" is no name of a header`);
    if (!VALUE.test(value)) throw new BadRequestHead(`the header ${name} has characters that no header may have`);
    text += `${name}: ${value}\r\n`;
  }
  return text;
}
