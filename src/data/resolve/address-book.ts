import { isIPv4, isIPv6 } from "node:net";
import { isPrivateAddress } from "./private-address.ts";

/** More addresses behind one name are not used. */
export const MAX_ADDRESSES = 64;
/** An address that is missing from so many answers in a row is gone. */
const MAX_ABSENCES = 3;

/** Whether every address of a name is used, or only where all of them are private. */
export type Spread = "all" | "auto";

interface KnownAddress {
  readonly address: string;
  /** Answers in a row that it was missing from. */
  readonly absences: number;
}

/** The addresses behind one name, as told by the answers so far. */
export interface AddressBook {
  /** False: the name is looked up at each connect, and one of its addresses is used. */
  readonly spread: boolean;
  /** In the order of their texts, of one family, at most `MAX_ADDRESSES`. */
  readonly known: readonly KnownAddress[];
  /**
   * Addresses of the last answer that are not used: too many, or, where `spread` is false, all but
   * one.
   */
  readonly unused: number;
}

export const NO_ADDRESSES: AddressBook = { spread: false, known: [], unused: 0 };

/**
 * Takes in an answer, which must not be a failed one: that changes nothing. With `auto` a single
 * address is left to the name, until there are two; a public one ends it. IPv4 is used where there
 * is any, as long as there is any.
 */
export function stepAddresses(book: AddressBook, answer: readonly string[], spread: Spread): AddressBook {
  const all = [...new Set(answer)].filter((address) => isIPv4(address) || isIPv6(address)).toSorted();
  if (all.length === 0) return book;
  const isOurs = familyOf(book, all);
  const here = all.filter((address) => isOurs(address));
  if (spread === "auto" && !all.every(isPrivateAddress)) return { spread: false, known: [], unused: here.length - 1 };
  const wanted = new Set(here.slice(0, MAX_ADDRESSES));
  const known = merge(book.known, wanted);
  // The last one of its family is gone: those of the other family take over with this answer.
  if (known.length === 0) return stepAddresses({ ...NO_ADDRESSES, spread: book.spread }, answer, spread);
  return {
    spread: spread === "all" || book.spread || known.length > 1,
    known,
    unused: Math.max(0, here.length - MAX_ADDRESSES),
  };
}

/**
 * That of what is in use; else IPv4 where there is any: servers that listen on all addresses take
 * it nearly always.
 */
function familyOf({ known }: AddressBook, all: readonly string[]): (address: string) => boolean {
  const [first] = known;
  if (first !== undefined) return isIPv4(first.address) ? isIPv4 : isIPv6;
  return all.some(isIPv4) ? isIPv4 : isIPv6;
}

function merge(before: readonly KnownAddress[], wanted: ReadonlySet<string>): KnownAddress[] {
  const kept: KnownAddress[] = [];
  for (const { address, absences } of before) {
    if (wanted.has(address)) kept.push({ address, absences: 0 });
    else if (absences + 1 < MAX_ABSENCES) kept.push({ address, absences: absences + 1 });
  }
  const old = new Set(before.map(({ address }) => address));
  for (const address of wanted) {
    if (kept.length >= MAX_ADDRESSES) break;
    if (!old.has(address)) kept.push({ address, absences: 0 });
  }
  return kept.toSorted((a, b) => (a.address < b.address ? -1 : 1));
}
