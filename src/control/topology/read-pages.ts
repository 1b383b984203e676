/** Which page is asked for. */
export interface PageAt {
  /** Id of the last one of the page before; undefined: the first page. */
  readonly after: string | undefined;
  /** Collectors. */
  readonly limit: number;
}

interface PageBounds {
  /** To go on from here. */
  readonly after?: string | undefined;
  /** Once there are so many collectors, no other page is asked for. */
  readonly most: number;
}

/** Collectors, of whatever shape. */
interface PageOfCollectors {
  readonly collectors: readonly unknown[];
  /** Id of the last one, where there is another page. */
  readonly next?: string | undefined;
}

/** As many as a controller tells at once. */
const PAGE = 200;
/** A controller that always has another page is asked no further. */
const MAX_PAGES = 100;

/**
 * Pages of collectors, one after the other, until there is no other or there are enough: the `next`
 * of the last one tells which. `undefined`, after which nothing comes: a page was not answered.
 */
export async function* readPages<Page extends PageOfCollectors>(
  read: (at: PageAt) => Promise<Page | undefined>,
  { after: from, most }: PageBounds,
): AsyncGenerator<Page | undefined, void, undefined> {
  let after = from;
  let count = 0;
  for (let pages = 0; pages < MAX_PAGES; pages++) {
    const page = await read({ after, limit: Math.min(PAGE, most) });
    yield page;
    if (page === undefined || page.next === undefined) return;
    count += page.collectors.length;
    if (count >= most) return;
    after = page.next;
  }
}
