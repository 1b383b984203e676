import { FLEET_BOUNDS } from "../fleet/bounds.ts";
import type { CollectorView } from "../fleet/messages.ts";
import { writeJson } from "../../store/recipes/json-value.ts";
import type { CollectorTable } from "./collector-table.ts";
import { viewOf } from "./collector-view.ts";

/** Of a page: the rest is for what is around its members, goodbyes above all. */
const MEMBERS_BYTES = FLEET_BOUNDS.pageBytes - 262_144;

interface MemberPage {
  readonly members: CollectorView[];
  /** The id after which the next page begins; undefined: there is none. */
  readonly next: string | undefined;
}

/** Members after this one: fewer than asked for where they say so much that no reply has room. */
export function memberPage(
  table: Pick<CollectorTable, "page">,
  { after, limit }: { readonly after?: string | undefined; readonly limit: number },
  nowMs: number,
): MemberPage {
  const page = table.page(after, limit + 1);
  const members: CollectorView[] = [];
  let bytes = 0;
  for (const known of page.slice(0, limit)) {
    const view = viewOf(known, nowMs);
    bytes += writeJson(view).length + 1;
    // What a Report had room for has room here, too.
    if (bytes > MEMBERS_BYTES && members.length > 0) break;
    members.push(view);
  }
  return { members, next: members.length < page.length ? members.at(-1)?.id : undefined };
}
