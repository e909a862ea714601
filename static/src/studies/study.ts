// A study as it is chosen: its kind, inputs and style; which kinds there are, and what each may be.
// Never here: maths (formula.ts), drawing, words.
// Invariant: a checked study has every input of its kind within its bounds, and nothing else.

/** What of a candle a study is made from. */
export const SOURCES = ["close", "open", "high", "low", "hl2", "hlc3", "ohlc4"] as const;
export type Source = (typeof SOURCES)[number];

/** Names of colours (css/tokens.css has them, dark and light). */
export const COLORS = ["series-1", "series-2", "series-3", "series-4", "series-5", "series-6", "series-7", "series-8"] as const;
export type StudyColor = (typeof COLORS)[number];

export const WIDTHS = [1, 2, 3, 4] as const;

/** When a session begins anew, in UTC. */
const ANCHORS = ["day", "week", "month"] as const;
export type Anchor = (typeof ANCHORS)[number];

/** The intervals of which a candle is as long as the session, or longer: there every average would be of one candle. */
const WHOLE_SESSIONS: Readonly<Record<Anchor, readonly string[]>> = { day: ["1d", "3d", "1w", "1M"], week: ["1w", "1M"], month: ["1M"] };

/** A number with at most `decimals` decimals. */
export interface NumberInput {
  readonly least: number;
  readonly most: number;
  readonly decimals: number;
  readonly usual: number;
}

export interface ChoiceInput {
  readonly allowed: readonly string[];
  readonly usual: string;
}

export type StudyInput = NumberInput | ChoiceInput;

export interface StudyKindRules {
  /** Over the candles, or in a pane of its own below them. */
  readonly place: "candles" | "below";
  readonly inputs: Readonly<Record<string, StudyInput>>;
}

const PERIOD_MAX = 1_000;
const source: ChoiceInput = { allowed: SOURCES, usual: "close" };
const period = (usual: number, least = 1): NumberInput => ({ least, most: PERIOD_MAX, decimals: 0, usual });
const factor = (usual: number): NumberInput => ({ least: 0.1, most: 20, decimals: 2, usual });

/** Every kind, with what it takes; the server has the same table (truecandle/web/studies.py). */
export const KINDS = {
  sma: { place: "candles", inputs: { period: period(20), source } },
  ema: { place: "candles", inputs: { period: period(20), source } },
  wma: { place: "candles", inputs: { period: period(20), source } },
  vwap: { place: "candles", inputs: { anchor: { allowed: ANCHORS, usual: "day" }, source: { allowed: SOURCES, usual: "hlc3" } } },
  bollinger: { place: "candles", inputs: { period: period(20), deviations: factor(2), source } },
  ichimoku: { place: "candles", inputs: { conversion: period(9), base: period(26), span: period(52), displacement: { least: 1, most: 200, decimals: 0, usual: 26 } } },
  supertrend: { place: "candles", inputs: { period: period(10), factor: factor(3) } },
  "volume-profile": { place: "candles", inputs: { rows: { least: 4, most: 200, decimals: 0, usual: 24 } } },
  rsi: { place: "below", inputs: { period: period(14, 2), source } },
  macd: { place: "below", inputs: { fast: period(12), slow: period(26), signal: period(9), source } },
  atr: { place: "below", inputs: { period: period(14) } },
  stochastic: { place: "below", inputs: { k: period(14), slowing: period(3), d: period(3) } },
  obv: { place: "below", inputs: {} },
} as const satisfies Readonly<Record<string, StudyKindRules>>;

export type StudyKind = keyof typeof KINDS;
export type StudyInputs = Readonly<Record<string, number | string>>;

export interface StudyStyle {
  readonly color: StudyColor;
  readonly width: (typeof WIDTHS)[number];
}

export interface Study {
  /** Its own among those of one chart. */
  readonly id: string;
  readonly kind: StudyKind;
  readonly inputs: StudyInputs;
  readonly style: StudyStyle;
  /** Kept and not drawn. */
  readonly hidden?: true;
}

/** Studies of one chart. */
export const STUDIES_MAX = 20;

const ID = /^[a-z0-9]{1,12}$/;

export function rulesOf(kind: StudyKind): StudyKindRules {
  return KINDS[kind];
}

export function isNumberInput(input: StudyInput): input is NumberInput {
  return "least" in input;
}

/** What an input may be is `value`. */
export function fits(input: StudyInput, value: unknown): value is number | string {
  if (!isNumberInput(input)) return typeof value === "string" && input.allowed.includes(value);
  return typeof value === "number" && value >= input.least && value <= input.most && Number(value.toFixed(input.decimals)) === value;
}

/** A study of that kind with what is usual, an id that none of the others has, and a colour that few of them have. */
export function newStudy(kind: StudyKind, others: readonly Study[]): Study {
  const ids = new Set(others.map(({ id }) => id));
  let number = 1;
  while (ids.has(`s${number}`)) number += 1;
  const uses = (color: StudyColor) => others.filter(({ style }) => style.color === color).length;
  const color = COLORS.reduce((best, next) => (uses(next) < uses(best) ? next : best));
  return { id: `s${number}`, kind, inputs: usualInputs(kind), style: { color, width: 2 } };
}

export function usualInputs(kind: StudyKind): StudyInputs {
  return Object.fromEntries(Object.entries(rulesOf(kind).inputs).map(([name, { usual }]) => [name, usual]));
}

/** Those of a list that are studies; an input that is none becomes the usual one. */
export function checkedStudies(raw: unknown): readonly Study[] {
  if (!Array.isArray(raw)) return [];
  const seen = new Set<string>();
  const studies = raw.flatMap((one) => {
    const study = checkedStudy(one);
    if (study === null || seen.has(study.id)) return [];
    seen.add(study.id);
    return [study];
  });
  return Object.freeze(studies.slice(0, STUDIES_MAX));
}

function checkedStudy(raw: unknown): Study | null {
  if (!isObject(raw) || typeof raw.id !== "string" || !ID.test(raw.id) || typeof raw.kind !== "string" || !Object.hasOwn(KINDS, raw.kind)) return null;
  const kind = raw.kind as StudyKind;
  const given = isObject(raw.inputs) ? raw.inputs : {};
  const style = isObject(raw.style) ? raw.style : {};
  const inputs = Object.entries(rulesOf(kind).inputs).map(([name, input]) => [name, fits(input, given[name]) ? given[name] : input.usual]);
  return Object.freeze({
    id: raw.id, kind, inputs: Object.fromEntries(inputs),
    style: { color: oneOf(COLORS, style.color) ?? COLORS[0], width: oneOf(WIDTHS, style.width) ?? 2 },
    ...(raw.hidden === true ? { hidden: true as const } : {}),
  });
}

function oneOf<T>(allowed: readonly T[], value: unknown): T | undefined {
  return allowed.find((one) => one === value);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Whether candles of an interval are too long for a study to say anything: an average by session has none within one. */
export function isTooLong(interval: string, { kind, inputs }: Pick<Study, "kind" | "inputs">): boolean {
  return kind === "vwap" && WHOLE_SESSIONS[inputs.anchor as Anchor].includes(interval);
}
