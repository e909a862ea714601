// Two versions of one candle below each other, with what differs standing out.
// Never here: which versions, whose words stand above.
// Invariant: what differs is bold and underlined, and named to those who hear it: never told by colour alone.

import type { JSX } from "preact";
import { price, volume } from "./format.ts";

export interface Version {
  readonly open: number;
  readonly high: number;
  readonly low: number;
  readonly close: number;
  readonly volume: number;
}

interface VersionsProps {
  readonly caption: string;
  readonly rows: readonly (readonly [name: string, version: Version])[];
  readonly differing: readonly string[];
  readonly precision: number;
}

const COLUMNS = [["open", "O", "Open"], ["high", "H", "High"], ["low", "L", "Low"], ["close", "C", "Close"], ["volume", "V", "Volume"]] as const;

export function Versions({ caption, rows, differing, precision }: VersionsProps): JSX.Element {
  // Where there is little room, what is the same in both is left out.
  const isSame = (name: string) => (differing.includes(name) ? undefined : "");
  return (
    <table class="versions figures">
      <caption class="sr">{caption}</caption>
      <thead>
        <tr><td />{COLUMNS.map(([name, letter, word]) => <th key={name} scope="col" data-same={isSame(name)}><abbr title={word}>{letter}</abbr></th>)}</tr>
      </thead>
      <tbody>
        {rows.map(([label, version]) => (
          <tr key={label}>
            <th scope="row">{label}</th>
            {COLUMNS.map(([name]) => {
              const text = name === "volume" ? volume(version.volume) : price(version[name], precision);
              return <td key={name} data-version={name} data-differs={differing.includes(name) ? "" : undefined} data-same={isSame(name)}>{text}</td>;
            })}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
