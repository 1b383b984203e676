import type { SimSecond } from "./simulation.ts";

export interface PlotLine {
  readonly name: string;
  readonly color: string;
  readonly values: readonly number[];
}

export interface Plot {
  readonly title: string;
  /** One value a second. */
  readonly lines: readonly PlotLine[];
}

const WIDTH = 720;
const HEIGHT = 240;
const LEFT = 60;
const TOP = 30;
const BOTTOM = 30;

/** What came and what was kept in each second of a simulation. */
export function plotOfSeconds(title: string, seconds: readonly SimSecond[], target: number): string {
  return plotSvg({
    title,
    lines: [
      { name: "received", color: "#888", values: seconds.map(({ received }) => received) },
      { name: "guards' bound", color: "#c80", values: seconds.map(({ bound }) => bound) },
      { name: "kept", color: "#06c", values: seconds.map(({ kept }) => kept) },
      { name: "target", color: "#c00", values: seconds.map(() => target) },
    ],
  });
}

/** Lines over seconds, with a logarithmic scale upwards: steps of 50 are to be seen. */
export function plotSvg({ title, lines }: Plot): string {
  const most = Math.max(1, ...lines.flatMap(({ values }) => values));
  const least = Math.max(1, Math.min(...lines.flatMap(({ values }) => values.filter((value) => value > 0))));
  const [low, high] = [Math.floor(Math.log10(least)), Math.ceil(Math.log10(most) + 1e-9)];
  const length = Math.max(2, ...lines.map(({ values }) => values.length));
  const x = (second: number): number => LEFT + ((WIDTH - LEFT - 10) * second) / (length - 1);
  const y = (value: number): number => {
    const part = (Math.log10(Math.max(value, 10 ** low)) - low) / Math.max(1, high - low);
    return HEIGHT - BOTTOM - part * (HEIGHT - TOP - BOTTOM);
  };
  const marks = Array.from({ length: high - low + 1 }, (_, i) => 10 ** (low + i)).map(
    (value) =>
      `<line x1="${LEFT}" x2="${WIDTH - 10}" y1="${at(y(value))}" y2="${at(y(value))}" stroke="#ddd"/>` +
      `<text x="${LEFT - 6}" y="${at(y(value) + 4)}" text-anchor="end">${value.toLocaleString("en-US")}</text>`,
  );
  const seconds = Array.from({ length: Math.floor((length - 1) / 60) + 1 }, (_, i) => 60 * i).map(
    (second) => `<text x="${at(x(second))}" y="${HEIGHT - 10}" text-anchor="middle">${second} s</text>`,
  );
  const paths = lines.map(({ name, color, values }, i) => {
    const points = values.map((value, second) => `${at(x(second))},${at(y(value))}`).join(" ");
    const legend = `<text x="${LEFT + 10 + i * 150}" y="${TOP + 4}" fill="${color}">${name}</text>`;
    return `<polyline fill="none" stroke="${color}" points="${points}"/>${legend}`;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="11">`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="white"/>`,
    `<text x="${LEFT}" y="16" font-size="13">${title}</text>`,
    ...marks,
    ...seconds,
    ...paths,
    "</svg>",
    "",
  ].join("\n");
}

function at(value: number): string {
  return value.toFixed(1);
}
