/**
 * What the specification says of one item, by texts and big integers: nothing of it is shared with
 * what it is compared with.
 */
export interface ModelVerdict {
  readonly keep: boolean;
  /** What `ot` says afterwards; undefined: it stays as it was. */
  readonly ot: string | undefined;
}

interface Ot {
  readonly readable: boolean;
  readonly members: readonly string[];
}

const MEMBER = /^[a-z][a-z0-9]*:[A-Za-z0-9._-]*$/u;

/** The member `ot` of a tracestate. */
export function otOf(state: string): Ot {
  const all = listOf(state).filter((member) => member.startsWith("ot="));
  if (all.length === 0) return { readable: true, members: [] };
  const value = all[0]!.slice(3);
  const members = value.split(";");
  const of = (key: string): string[] => members.filter((member) => member.startsWith(`${key}:`));
  const readable =
    all.length === 1 &&
    value.length <= 256 &&
    members.every((member) => MEMBER.test(member)) &&
    of("th").length <= 1 &&
    of("rv").length <= 1 &&
    of("th").every((th) => /^th:[0-9a-f]{1,14}$/u.test(th)) &&
    of("rv").every((rv) => /^rv:[0-9a-f]{14}$/u.test(rv));
  return { readable, members: readable ? members : [] };
}

/** Members of the list, without spaces around them and empty ones. */
export function listOf(state: string): string[] {
  return state.split(",").flatMap((member) => member.replace(/^[ \t]+|[ \t]+$/gu, "") || []);
}

/** What becomes of a span with this trace id (hex) and tracestate, where `th` is asked for. */
export function modelOf(state: string, traceId: string, th: string): ModelVerdict {
  const { readable, members } = otOf(state);
  const valueOf = (key: string): string | undefined => members.find((one) => one.startsWith(`${key}:`))?.slice(3);
  const [rv, arrived] = [valueOf("rv"), valueOf("th")];
  const hasTrace = traceId.length === 32 && /[1-9a-f]/u.test(traceId);
  if (rv === undefined && !hasTrace) return { keep: true, ot: undefined };
  const randomness = numberOf(rv ?? traceId.slice(18));
  const wanted = numberOf(th);
  const own = arrived === undefined ? undefined : numberOf(arrived);
  if (own !== undefined && randomness >= own && own >= wanted) return { keep: true, ot: undefined };
  if (randomness < wanted) return { keep: false, ot: undefined };
  if (!readable) return { keep: true, ot: undefined };
  const marked = members.map((member) => (member.startsWith("th:") ? `th:${th}` : member));
  const value = (arrived === undefined ? [`th:${th}`, ...members] : marked).join(";");
  return { keep: true, ot: value.length > 256 ? undefined : value };
}

function numberOf(digits: string): bigint {
  return BigInt(`0x${digits.padEnd(14, "0")}`);
}
