// The dialog that lists all shortcuts, and switches them off.
// Never here: what a shortcut does (shortcuts.ts, chart/cursor.ts).
// Invariant: what is listed works; what works is listed.

import type { JSX } from "preact";
import { Dialog } from "./dialogs.tsx";
import type { Page } from "./page.ts";

type Rows = readonly (readonly [keys: readonly string[], what: string])[];

const ANYWHERE: Rows = [
  [["1", "5"], "Interval: 15, 240 or 4h, then Enter or a short wait"],
  [["A", "–", "Z"], "Search a market, with that letter"],
  [["/"], "Search a market"],
  [["Alt", "R"], "Reset the view"],
  [["Alt", "L"], "Logarithmic scale"],
  [["Alt", "P"], "Percent scale"],
  [["Alt", "I"], "Turn the price axis upside down"],
  [["Alt", "G"], "Go to a date"],
  [["Alt", "U"], "Studies"],
  [["Alt", "Z"], "Time zone"],
  [["Alt", "W"], "Charts and layouts"],
  [["Alt", "1", "…", "4"], "To the chart of that number"],
  [["Alt", "S"], "Save a picture of the chart"],
  [["Alt", "E"], "Save the candles in sight as CSV"],
  [["Alt", "C"], "Copy the candle pointed at"],
  [["?"], "This list"],
];

const DRAWING: Rows = [
  [["Alt", "D"], "Drawing tools"],
  [["Alt", "T"], "Trend line"],
  [["Alt", "H"], "Horizontal line"],
  [["Alt", "V"], "Vertical line"],
  [["Alt", "F"], "Fibonacci retracement"],
  [["Alt", "M"], "Measure"],
  [["Ctrl", "Z"], "Undo a drawing; with Shift do it again"],
];

const ON_THE_CHART: Rows = [
  [["←", "→"], "Candle by candle, read aloud"],
  [["+", "−"], "Wider, narrower"],
  [["Home"], "To the oldest candle here"],
  [["End"], "To the newest candle"],
  [["Esc"], "Away with the crosshair, the tool, the selection"],
  [["Tab"], "The next drawing, then on; Esc before it: on at once"],
  [["↑", "↓"], "With the sides: moves the drawing, or the crosshair of a tool"],
  [["↵"], "Sets a point, or writes the drawing's text"],
  [["Del"], "Removes the selected drawing"],
];

export function ShortcutList({ page }: { readonly page: Page }): JSX.Element {
  const { preferences } = page;
  const isOn = preferences.of("shortcuts").value;
  return (
    <Dialog page={page} id="shortcuts" title="Keyboard shortcuts">
      <label class="check">
        <input type="checkbox" checked={isOn} onChange={({ currentTarget }) => preferences.set("shortcuts", currentTarget.checked)} />
        Shortcuts anywhere on the page
      </label>
      <div class={`shortcut-columns ${isOn ? "" : "is-off"}`}>
        <Part title="Anywhere" rows={ANYWHERE} />
        <div>
          <Part title="Drawing, anywhere" rows={DRAWING} />
          <div class="is-on-the-chart"><Part title="With the chart focused" rows={ON_THE_CHART} /></div>
        </div>
      </div>
    </Dialog>
  );
}

function Part({ title, rows }: { readonly title: string; readonly rows: Rows }): JSX.Element {
  return (
    <section>
      <h3>{title}</h3>
      <dl class="shortcut-rows">
        {rows.map(([keys, what]) => (
          <div key={what}><dt>{keys.map((key) => <kbd key={key}>{key}</kbd>)}</dt><dd>{what}</dd></div>
        ))}
      </dl>
    </section>
  );
}
