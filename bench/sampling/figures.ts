import type { SimScenario, SimSecond } from "./simulation.ts";

/** What a phase of a scenario comes to. */
export interface PhaseFigures {
  readonly load: number;
  /** After so many seconds what is kept stays near the target, or undefined: it does not. */
  readonly settledAfterS: number | undefined;
  /** Of the target, the most that one second kept. */
  readonly worst: number;
  /** Of the target, the mean of the last third. */
  readonly mean: number;
  /** Of what the nodes' guards allow, the most that one second kept. */
  readonly ofBound: number;
  /** How far adjusted counts are from what there was, over the whole phase. */
  readonly countError: number;
  /** Part of the nodes that guarded at any time. */
  readonly guarded: number;
}

const NEAR = 0.05;
/** One second says little of what is kept: so many are looked at together. */
const MEAN_S = 10;

/** `target`: what is to be kept, a second. */
export function figuresOf(
  { phases, collectors }: SimScenario,
  seconds: readonly SimSecond[],
  target: number,
): PhaseFigures[] {
  let from = 0;
  return phases.map(({ seconds: length, load }) => {
    const its = seconds.slice(from, from + length);
    from += length;
    const kept = its.map((one) => one.kept);
    const last = its.slice(-Math.ceil(length / 3));
    return {
      load,
      settledAfterS: settledAfter(kept, target),
      worst: Math.max(...kept) / target,
      mean: meanOf(last.map((one) => one.kept)) / target,
      ofBound: Math.max(...its.map((one) => one.kept / one.bound)),
      countError: sumOf(its.map((one) => one.represented)) / sumOf(its.map((one) => one.origin)) - 1,
      guarded: Math.max(...its.map(({ guarding }) => guarding)) / collectors,
    };
  });
}

/** The row of a scenario in docs/sampling.md: its step up, and its step down. */
export function pageRow(name: string, [, up, down]: readonly PhaseFigures[]): string {
  const seconds = (figures: PhaseFigures | undefined): string =>
    figures?.settledAfterS === undefined ? "-" : `${figures.settledAfterS} s`;
  const most = (of: (figures: PhaseFigures) => number): number =>
    Math.max(...[up, down].map((one) => (one === undefined ? 0 : Math.abs(of(one)))));
  const percent = (part: number, digits: number): string => `${(100 * part).toFixed(digits)} %`;
  const cells = [
    name,
    seconds(up),
    seconds(down),
    percent(
      most(({ worst }) => worst),
      0,
    ),
    percent(
      most(({ ofBound }) => ofBound),
      0,
    ),
    percent(
      most(({ countError }) => countError),
      2,
    ),
  ];
  return `| ${cells.join(" | ")} |`;
}

/** After so many seconds ten of them together are near the target, to the end. */
export function settledAfter(kept: readonly number[], target: number): number | undefined {
  let settled: number | undefined;
  for (let at = 0; at + MEAN_S <= kept.length; at++) {
    const isNear = Math.abs(meanOf(kept.slice(at, at + MEAN_S)) / target - 1) <= NEAR;
    if (!isNear) settled = undefined;
    else settled ??= at;
  }
  return settled;
}

function sumOf(values: readonly number[]): number {
  return values.reduce((sum, one) => sum + one, 0);
}

function meanOf(values: readonly number[]): number {
  return sumOf(values) / values.length;
}
