/** Which bytes may stand where: RFC 9110, 5.6.2 and 5.5; RFC 9112, 3.2. */

export const HTAB = 9;
export const LF = 10;
export const CR = 13;
export const SP = 32;
export const COLON = 58;
export const SEMICOLON = 59;

/** Bits of `OCTETS`. */
export const TOKEN = 1;
export const VALUE = 2;
export const TARGET = 4;
export const HOST = 8;

/** For each byte, where it may stand. */
export const OCTETS: Uint8Array = octets();

/** The value of a hexadecimal digit; -1: it is none. */
export function hexDigit(byte: number): number {
  if (byte >= 48 && byte <= 57) return byte - 48;
  const letter = byte | 32;
  return letter >= 97 && letter <= 102 ? letter - 87 : -1;
}

function octets(): Uint8Array {
  const table = new Uint8Array(256);
  const letters = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
  const mark = (text: string, bit: number): void => {
    for (let i = 0; i < text.length; i++) table[text.charCodeAt(i)]! |= bit;
  };
  mark(`!#$%&'*+-.^_\`|~${letters}`, TOKEN);
  mark(`-._~%!$&'()*+;=:[]${letters}`, HOST);
  for (let byte = 0x20; byte < 256; byte++) if (byte !== 0x7f) table[byte]! |= VALUE;
  table[HTAB]! |= VALUE;
  for (let byte = 0x21; byte < 0x7f; byte++) if (byte !== 0x23) table[byte]! |= TARGET;
  return table;
}
