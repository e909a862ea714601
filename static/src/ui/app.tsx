// The chart page around the chart: bar, stage, status line, and the live region.
// Never here: requests, the chart, rules.
// Invariant: all of it follows from signals; what is hidden leaves the page.

import { useComputed, useSignalEffect } from "@preact/signals";
import { render, type JSX } from "preact";
import { freshness, type Said } from "./freshness.ts";
import { Bar } from "./bar.tsx";
import { Dialogs } from "./dialogs.tsx";
import type { Page } from "./page.ts";
import { Panels } from "./panels.tsx";
import { Stage } from "./stage.tsx";
import { StatusLine } from "./statusLine.tsx";

const LOADING: Said = { tone: "busy", text: "Loading", more: "", detail: "Loading candles." };

interface AppProps {
  readonly page: Page;
  readonly csrfToken: string;
}

/** Puts the page into its place, instead of what stood there until the script had come. */
export function mount(root: HTMLElement, props: AppProps) {
  root.textContent = "";
  render(<App {...props} root={root} />, root);
}

function App({ page, csrfToken, root }: AppProps & { readonly root: HTMLElement }): JSX.Element {
  const { config, state, announcer } = page;
  const said = useComputed(() => {
    if (state.absent.value !== null) return absence(state.absent.value.symbol);
    return state.view.value === null ? LOADING : freshness(state.view.value);
  });
  useSignalEffect(() => { root.dataset.live = state.isLive.value ? "yes" : "no"; });
  useSignalEffect(() => {
    const view = state.view.value;
    if (view !== null) announcer.fresh(said.value, view.nowMs);
  });
  return (
    <>
      <a class="skip" href="#plot">Skip to the chart</a>
      <Bar page={page} said={said} csrfToken={csrfToken} />
      {config.simulated ? <Ribbon /> : null}
      <Stage page={page} />
      <Panels page={page} />
      <StatusLine page={page} said={said} />
      <Dialogs page={page} />
      <p id="announcer" class="sr" aria-live="polite">{announcer.text}</p>
    </>
  );
}

function absence(symbol: string): Said {
  return { tone: "quiet", text: "Not followed", more: "", detail: `${symbol} is not followed here: there are no candles of it.` };
}

function Ribbon(): JSX.Element {
  return (
    <aside class="ribbon" aria-label="Where the prices come from">
      <strong>Simulated data</strong>
      <span class="ribbon-more">These prices come from the simulated exchange, not from a market.</span>
    </aside>
  );
}
