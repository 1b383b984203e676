import type { RegionSeen } from "./topology-source.ts";

const REGION_HEALTHS = ["healthy", "unknown", "degraded", "unhealthy"] as const;
/** How a region does, from best to worst. */
export type RegionHealth = (typeof REGION_HEALTHS)[number];

/** Of a region, what its health is made of. */
export interface RegionFacts extends Pick<RegionSeen, "controllers" | "adopted" | "collectors" | "healthyCollectors"> {
  /** Whoever does its controller's work does not answer: the rest is what was so before. */
  readonly isSilent?: boolean;
}

/** How a region does, and why. */
export interface RegionVerdict {
  readonly health: RegionHealth;
  /** For people; empty when all is well. */
  readonly reason: string;
}

/** Fewer than this share of the collectors are too few. */
const ENOUGH = 0.5;

/** The worst of what its controllers and its collectors say, and of whether anybody says it. */
export function regionHealth(facts: RegionFacts): RegionVerdict {
  const verdicts = [ofControllers(facts), ofCollectors(facts), ofSilence(facts)];
  const [worst] = verdicts.toSorted((a, b) => rank(b.health) - rank(a.health));
  const reasons = verdicts.map(({ reason }) => reason).filter((reason) => reason !== "");
  return { health: worst!.health, reason: reasons.join("; ") };
}

/** One that does not do well is made up for by another that does. */
function ofControllers({ controllers, adopted }: RegionFacts): RegionVerdict {
  if (adopted) return { health: "degraded", reason: "no controller of its own: the global leader does its work" };
  if (controllers.length === 0) return { health: "unhealthy", reason: "no controller" };
  const unhealthy = controllers.filter((state) => state === "unhealthy").length;
  const reason = `${unhealthy} of ${controllers.length} controllers unhealthy`;
  if (unhealthy === controllers.length) return { health: "unhealthy", reason };
  if (unhealthy > 0) return { health: "degraded", reason };
  return { health: controllers.includes("healthy") ? "healthy" : "unknown", reason: "" };
}

function ofSilence({ isSilent = false, controllers, adopted }: RegionFacts): RegionVerdict {
  // Where there is none, that is said already.
  const isTold = !isSilent || (controllers.length === 0 && !adopted);
  return isTold ? { health: "healthy", reason: "" } : { health: "unknown", reason: "its controller does not answer" };
}

function ofCollectors({ collectors, healthyCollectors }: RegionFacts): RegionVerdict {
  if (collectors === 0) return { health: "unknown", reason: "no collector" };
  if (healthyCollectors >= collectors) return { health: "healthy", reason: "" };
  const reason = `${healthyCollectors} of ${collectors} collectors healthy`;
  return { health: healthyCollectors / collectors >= ENOUGH ? "degraded" : "unhealthy", reason };
}

function rank(health: RegionHealth): number {
  return REGION_HEALTHS.indexOf(health);
}
