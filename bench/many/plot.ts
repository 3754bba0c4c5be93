export interface Point {
  readonly tenants: number;
  readonly storedPerSecond: number;
}

const WIDTH = 720;
const HEIGHT = 340;
const LEFT = 76;
const RIGHT = 24;
const TOP = 48;
const BOTTOM = 56;

/** Legible on white and on black: a page that shows it as an image has its own background. */
const STYLE = `
    text { font: 13px system-ui, sans-serif; fill: #57606a; }
    .title { font-weight: 600; font-size: 15px; }
    .grid { stroke: #8c959f; stroke-opacity: .35; }
    .line { fill: none; stroke: #0969da; stroke-width: 2.5; }
    .dot { fill: #0969da; }
    @media (prefers-color-scheme: dark) {
      text { fill: #b1bac4; }
      .line { stroke: #58a6ff; }
      .dot { fill: #58a6ff; }
    }`;

/** Throughput over the number of tenants, the latter on a logarithmic scale. */
export function throughputPlot(points: readonly Point[]): string {
  const top = niceTop(Math.max(...points.map(({ storedPerSecond }) => storedPerSecond)));
  const at = scales(points, top);
  const places = points.map((point) => `${at.x(point)},${at.y(point.storedPerSecond)}`);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img"`,
    `  aria-label="Messages stored a second over the number of tenants">`,
    `  <style>${STYLE}\n  </style>`,
    text(LEFT, 24, 'start', 'Messages stored a second, over the number of tenants', 'title'),
    ...[0, 1, 2, 3, 4].map((quarter) => gridLine((top * quarter) / 4, at.y)),
    `  <polyline class="line" points="${places.join(' ')}" />`,
    ...points.flatMap((point) => mark(point, at)),
    text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 12, 'middle', 'tenants'),
    '</svg>\n',
  ].join('\n');
}

interface Scales {
  readonly x: (point: Point) => number;
  readonly y: (storedPerSecond: number) => number;
}

function scales(points: readonly Point[], top: number): Scales {
  const logs = points.map(({ tenants }) => Math.log10(tenants));
  const low = Math.min(...logs);
  const span = Math.max(...logs) - low || 1;
  const width = WIDTH - LEFT - RIGHT - 40;
  return {
    x: ({ tenants }) => Math.round(LEFT + 20 + ((Math.log10(tenants) - low) / span) * width),
    y: (rate) => Math.round(HEIGHT - BOTTOM - (rate / top) * (HEIGHT - TOP - BOTTOM)),
  };
}

function mark(point: Point, { x, y }: Scales): string[] {
  const { tenants, storedPerSecond } = point;
  const [left, height] = [x(point), y(storedPerSecond)];
  return [
    `  <circle class="dot" cx="${left}" cy="${height}" r="4.5" />`,
    text(left, height - 12, 'middle', number(storedPerSecond)),
    text(left, HEIGHT - BOTTOM + 20, 'middle', number(tenants)),
  ];
}

function gridLine(rate: number, y: Scales['y']): string {
  const height = y(rate);
  const line = `  <line class="grid" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${height}" y2="${height}" />`;
  return `${line}\n${text(LEFT - 10, height + 4, 'end', number(rate))}`;
}

const text = (x: number, y: number, anchor: string, words: string, style = ''): string =>
  `  <text x="${x}" y="${y}" text-anchor="${anchor}"${style && ` class="${style}"`}>${words}</text>`;

const number = (value: number): string => Math.round(value).toLocaleString('en');

/** A round number above `value`, with room for its label. */
function niceTop(value: number): number {
  const magnitude = 10 ** Math.floor(Math.log10(value * 1.15));
  return Math.ceil((value * 1.15) / (magnitude / 2.5)) * (magnitude / 2.5);
}
