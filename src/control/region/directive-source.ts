import type { RecipePlace } from "../../store/recipes/place.ts";
import type { Entry } from "../../store/store.ts";
import { FLEET_BOUNDS } from "../fleet/bounds.ts";
import type { DirectiveMark, KnownDirectives } from "../fleet/directive.ts";
import type { Moment } from "../../store/session/moment.ts";
import { ageMs, type CachedEntry } from "./watch-cache.ts";
import { compareMarks, decodeStoredDirective, directivesPrefix, type StoredDirective } from "./stored-directive.ts";
import { Informer } from "./informer.ts";

/** A directive that is passed on, and how long it holds from now. */
export interface LiveDirective {
  readonly directive: StoredDirective;
  readonly remainingMs: number;
}

/** What the global leader has decided, as a controller that watches the store may pass it on. */
export interface DirectiveSource {
  /** All that hold now and that are newer than what somebody has. */
  newer(known: KnownDirectives): LiveDirective[];
  /** The newest of each scope, whether it holds or not. */
  readonly newest: readonly StoredDirective[];
  /** A directive's body, if one that is known has this digest. */
  body(digest: string): string | undefined;
  /** Is called when there is something new, until the function that it gives is called. */
  onNews(hear: () => void): () => void;
}

/** Watches `<prefix>/directives/` until it is disposed. */
export function openDirectiveSource(place: RecipePlace): AsyncDisposable & DirectiveSource {
  const hearing = new Set<() => void>();
  const informer: Informer<StoredDirective> = new Informer({
    place,
    prefix: directivesPrefix(place.prefix),
    read: readDirective,
    step: (known, next) => compareMarks(next, known),
    most: FLEET_BOUNDS.scopes,
    givesUp: (all) => longestOver(all, informer.now),
    // Whatever is written after a directive was deleted is not to be older than it.
    forgets: false,
    news: () => {
      for (const hear of hearing) hear();
    },
  });
  return {
    newer(known) {
      const { now } = informer;
      return informer.all.flatMap((seen) => {
        const remainingMs = seen.value.valid_for_ms - (ageMs(seen, now) ?? Number.POSITIVE_INFINITY);
        return remainingMs > 0 && isNewer(seen.value, known) ? { directive: seen.value, remainingMs } : [];
      });
    },
    get newest() {
      return informer.all.map(({ value }) => value);
    },
    body: (digest) => informer.all.find(({ value }) => value.digest === digest)?.value.body,
    onNews(hear) {
      hearing.add(hear);
      return () => void hearing.delete(hear);
    },
    [Symbol.asyncDispose]: () => informer[Symbol.asyncDispose](),
  };
}

/**
 * Of those that hold no more; of what was there when the watch began nobody knows how old it is.
 */
function longestOver(all: ReadonlyMap<string, CachedEntry<StoredDirective>>, now: Moment): string | undefined {
  let [found, longestMs]: [string | undefined, number] = [undefined, 0];
  for (const [key, seen] of all) {
    const overMs = (ageMs(seen, now) ?? Number.POSITIVE_INFINITY) - seen.value.valid_for_ms;
    if (overMs > longestMs) [found, longestMs] = [key, overMs];
  }
  return found;
}

function readDirective({ key, value }: Entry): StoredDirective | undefined {
  const read = decodeStoredDirective(value);
  return read.ok && key.endsWith(`/${read.value.scope}`) ? read.value : undefined;
}

function isNewer(directive: StoredDirective, known: KnownDirectives): boolean {
  const mark: DirectiveMark | undefined = Object.hasOwn(known, directive.scope) ? known[directive.scope] : undefined;
  return mark === undefined || compareMarks(directive, mark) > 0;
}
