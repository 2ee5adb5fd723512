import { createHash } from 'node:crypto';

/** The whole look of the page: light and dark, from a phone's width up, in the fonts of the machine. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --ground: #f6f6f4; --sheet: #ffffff; --ink: #1b1d1f; --soft: #5a6067; --line: #d5d8db;
  --accent: #0b5cad; --accent-ink: #ffffff; --good: #17663a; --bad: #a3241c; --bad-ground: #fdeeec;
  --note-ground: #fff6dd; --note-ink: #5b4300; --used: #7d8790; --this: #0b5cad; --over: #c2362c; --track: #e6e8ea;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #131517; --sheet: #1c1f22; --ink: #e9ebed; --soft: #a5adb5; --line: #3a3f45;
    --accent: #7cb7f5; --accent-ink: #0a1a2b; --good: #7fd3a0; --bad: #ff9a90; --bad-ground: #3a1f1c;
    --note-ground: #352c14; --note-ink: #f3d98a; --used: #7e8892; --this: #7cb7f5; --over: #f0746a; --track: #33383d;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; padding: 1rem; background: var(--ground); color: var(--ink);
  font: 1rem/1.45 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif;
  overflow-wrap: anywhere;
}
.page { max-width: 44rem; margin: 0 auto; }
.page.wide { max-width: 64rem; }
.links { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; margin: .5rem 0 .75rem; }
.links a, .links b { padding: .25rem 0; } .links [aria-current] { color: var(--ink); font-weight: 700; text-decoration: none; }
.pair { display: grid; grid-template-columns: 1fr 1fr; gap: 0 1rem; align-items: start; }
.brake { margin: 0 0 .75rem; }
.chart svg { display: block; width: 100%; height: 7rem; border-bottom: 1px solid var(--line); }
.filter { display: flex; flex-wrap: wrap; gap: .5rem 1rem; align-items: flex-end; margin: .75rem 0; }
.filter label { display: grid; gap: .125rem; font-size: .875rem; font-weight: 600; }
.filter .tick { display: flex; gap: .5rem; align-items: center; min-height: 2.75rem; font-weight: 400; }
.filter input[type=checkbox] { width: 1.125rem; height: 1.125rem; margin: 0; accent-color: var(--accent); }
textarea { font: .875rem/1.45 ui-monospace, Menlo, Consolas, monospace; color: var(--ink); background: var(--ground); border: 1px solid var(--used); border-radius: .375rem; padding: .5rem .625rem; width: 100%; }
select { font: inherit; color: var(--ink); background: var(--ground); border: 1px solid var(--used); border-radius: .375rem; padding: .5rem; min-height: 2.75rem; }
.filter input[type=search], .filter input[type=text] { width: 10.5rem; } .filter input[type=date] { width: 9.5rem; }
.edits { display: grid; grid-template-columns: repeat(auto-fill, minmax(15rem, 1fr)); gap: .75rem 1.25rem; margin: .75rem 0; }
.edits form { display: flex; gap: .5rem; align-items: flex-end; } .edits label { display: grid; gap: .125rem; flex: 1 1 auto; min-width: 0; font-size: .875rem; font-weight: 600; }
.edits button { flex: none; padding: .5rem .75rem; }
.figures { list-style: none; margin: .75rem 0; padding: 0; display: grid; grid-template-columns: repeat(auto-fit, minmax(8rem, 1fr)); gap: .75rem 1.25rem; }
.figures li { display: grid; gap: .125rem; font-size: .875rem; } .figures b { font-size: 1.375rem; line-height: 1.2; font-variant-numeric: tabular-nums; }
.tree { list-style: none; margin: .75rem 0; padding: 0; } .tree > li { border-top: 1px solid var(--line); padding: .625rem 0; }
.tree > li:first-child { border-top: 0; } .tree h3 { font-size: 1rem; margin: 0; }
.depth-1 { margin-left: 1rem; } .depth-2 { margin-left: 2rem; } .depth-3 { margin-left: 3rem; } .depth-4 { margin-left: 4rem; }
.ends { display: flex; justify-content: space-between; color: var(--soft); font-size: .75rem; margin: .125rem 0 0; }
.trend svg { display: block; width: 100%; height: 1.75rem; } .trends li { grid-template-columns: 1fr 10rem; }
.line { fill: none; stroke: var(--this); stroke-width: 2; }
.scroll { overflow-x: auto; } .limits.full { max-width: none; } .limits.full th:first-child { min-width: 9rem; }
.place { display: grid; grid-template-columns: auto 1fr; gap: 0 1.25rem; align-items: start; margin-top: 1rem; }
.apart { display: flex; flex-wrap: wrap; gap: 0 1rem; } .address { font-size: 1.0625rem; } .rows b { font-variant-numeric: tabular-nums; }
button.small { min-height: 2rem; padding: .125rem .625rem; font-size: .875rem; }
.life { margin: 0; padding-left: 1.25rem; } .life li { padding: .25rem 0; } .life time { color: var(--soft); display: block; font-size: .875rem; }
.top { display: flex; gap: .75rem; align-items: baseline; margin-bottom: .75rem; }
.top a, .top b { color: var(--ink); font-weight: 700; text-decoration: none; }
.top p { margin: 0; color: var(--soft); font-size: .875rem; }
h1 { font-size: 1.5rem; line-height: 1.2; margin: 0 0 .25rem; }
h2 { font-size: 1rem; margin: 1.5rem 0 .5rem; }
p { margin: .5rem 0; }
a { color: var(--accent); }
code { font: .875em/1.4 ui-monospace, "SFMono-Regular", Menlo, Consolas, monospace; }
.sheet { background: var(--sheet); border: 1px solid var(--line); border-radius: .625rem; padding: 1rem 1.125rem; margin-bottom: 1rem; }
.sheet h2:first-child { margin-top: 0; } .sheet > :last-child { margin-bottom: 0; }
.soft, .rows .soft { color: var(--soft); font-size: .875rem; }
.why { font-weight: 600; }
.notice { border-left: .25rem solid var(--note-ink); background: var(--note-ground); color: var(--note-ink); padding: .5rem .75rem; border-radius: .25rem; margin: .75rem 0; }
.notice p { margin: .25rem 0; }
.notice code { color: var(--ink); }
.problem { border-left-color: var(--bad); background: var(--bad-ground); color: var(--bad); font-weight: 600; }
.outcome { border-left-color: var(--good); background: var(--sheet); color: var(--ink); font-weight: 600; border-top: 1px solid var(--line); border-right: 1px solid var(--line); border-bottom: 1px solid var(--line); }
.facts { display: grid; grid-template-columns: minmax(6rem, max-content) 1fr; gap: .25rem .875rem; margin: .75rem 0; }
.facts dt { grid-column: 1; color: var(--soft); }
.facts dd { grid-column: -2; margin: 0; }
figure { margin: .5rem 0; } figcaption { font-size: .875rem; }
.qr { display: block; width: 9.5rem; height: 9.5rem; margin: .375rem 0 .75rem; border-radius: .375rem; }
.words { columns: 3 8rem; margin: 1rem 0; padding-left: 2.5rem; font: 1.0625rem/1.9 ui-monospace, "SFMono-Regular", Menlo, Consolas, monospace; }
.long { max-height: 7.5rem; overflow: auto; border: 1px solid var(--line); border-radius: .375rem; padding: .375rem .5rem; }
.answer { max-height: 20rem; } .answer pre { margin: 0; white-space: pre-wrap; font: .875rem/1.45 ui-monospace, Menlo, Consolas, monospace; }
.detail { white-space: pre-wrap; font: .875rem/1.45 ui-monospace, "SFMono-Regular", Menlo, Consolas, monospace; border-left: .1875rem solid var(--line); padding-left: .75rem; }
dd .warn { display: block; }
.warn { color: var(--bad); font-weight: 600; }
.caps { list-style: none; margin: .75rem 0; padding: 0; display: grid; grid-template-columns: 1fr 1fr; gap: .5rem 1.25rem; }
.caps li { display: flex; flex-direction: column; justify-content: space-between; }
.caps p { display: flex; flex-wrap: wrap; justify-content: space-between; gap: 0 .5rem; margin: 0; font-size: .875rem; }
.caps svg { display: block; width: 100%; height: .5rem; margin-top: .125rem; border-radius: .25rem; background: var(--track); }
.used { fill: var(--used); } .this { fill: var(--this); } .above { fill: var(--over); }
figure { margin: .75rem 0; }
figcaption { color: var(--soft); font-size: .875rem; }
blockquote { margin: .125rem 0 0; padding: .375rem .75rem; border-left: .1875rem dashed var(--line); font-style: italic; }
fieldset { border: 0; margin: 0; padding: 0; min-width: 0; }
fieldset + fieldset { margin-top: .75rem; }
legend { font-weight: 700; padding: 0; margin-bottom: .25rem; }
.choice { display: flex; gap: .625rem; align-items: baseline; padding: .3125rem 0; }
.choice input[type=radio] { flex: none; width: 1.125rem; height: 1.125rem; margin: 0; position: relative; top: .1875rem; accent-color: var(--accent); }
.field { margin: .75rem 0 0; }
.proof { display: flex; flex-wrap: wrap; gap: 0 .625rem; align-items: flex-end; }
.proof .field { flex: 1 1 14rem; max-width: 24rem; }
.field label { display: block; font-weight: 600; margin-bottom: .25rem; }
input[type=text], input[type=password], input[type=search], input[type=date] {
  font: inherit; color: var(--ink); background: var(--ground); border: 1px solid var(--used); border-radius: .375rem; padding: .5rem .625rem; width: 100%; max-width: 24rem; min-height: 2.75rem;
}
input.amount { width: 6.5rem; padding: .125rem .5rem; min-height: 2rem; }
.choice input.amount { margin: .1875rem 0; }
.amounts { display: grid; grid-template-columns: repeat(auto-fill, minmax(7.5rem, 1fr)); gap: 0 1rem; }
.buttons { display: flex; flex-wrap: wrap; gap: .625rem; margin-top: .75rem; }
.filter input, .filter select, .edits input { font-weight: 400; }
button { font: inherit; font-weight: 600; min-height: 2.75rem; padding: .5rem 1.125rem; border-radius: .375rem; border: 1px solid var(--used); background: var(--sheet); color: var(--ink); cursor: pointer; max-width: 100%; }
button.yes { background: var(--accent); border-color: var(--accent); color: var(--accent-ink); }
button.no { border-color: var(--bad); color: var(--bad); }
button:disabled { opacity: .55; cursor: progress; }
:focus-visible { outline: .1875rem solid var(--accent); outline-offset: .125rem; }
.no-form { border-top: 1px solid var(--line); margin-top: 1rem; padding-top: .25rem; }
.rows { list-style: none; margin: 0; padding: 0; }
.rows li { display: grid; grid-template-columns: minmax(0, 1fr) fit-content(50%); gap: 0 .75rem; padding: .5rem 0; border-top: 1px solid var(--line); }
.rows li:first-child { border-top: 0; }
.rows li > :nth-child(even) { text-align: right; }
.state { font-size: .875rem; font-weight: 600; }
#live-box { position: sticky; top: .5rem; z-index: 1; }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.state.good { color: var(--good); } .state.bad, b.bad { color: var(--bad); }
.code { letter-spacing: .125em; text-transform: uppercase; }
[tabindex="-1"]:focus { outline: none; }
table.limits { border-collapse: collapse; width: 100%; max-width: 26rem; }
.limits th, .limits td { text-align: right; padding: .3125rem 0 .3125rem .75rem; border-top: 1px solid var(--line); font-weight: 400; }
.limits thead th, .limits thead td { border-top: 0; }
.limits thead th { color: var(--soft); font-size: .875rem; white-space: nowrap; }
.limits td { white-space: nowrap; }
.limits th:first-child { text-align: left; padding-left: 0; }
details { margin: .25rem 0; } summary { cursor: pointer; color: var(--accent); }
[hidden] { display: none !important; }
.statement b { font-variant-numeric: tabular-nums; }
@media (min-width: 60rem) {
  .page.wide { max-width: 78rem; display: grid; grid-template-columns: 11rem minmax(0, 1fr); gap: 0 2rem; align-items: start; }
  .page.wide > .top, .page.wide > footer { grid-column: 1 / -1; }
  .page.wide > nav { flex-direction: column; position: sticky; top: 1rem; gap: .125rem; margin: 0; }
  .page.wide > nav a { padding: .4375rem .75rem; border-radius: .375rem; color: var(--ink); text-decoration: none; }
  .page.wide > nav a:hover { background: var(--track); } .page.wide > nav [aria-current] { background: var(--track); }
}
@media print {
  :root { --ground: #ffffff; --sheet: #ffffff; --ink: #000000; --soft: #333333; --line: #999999; }
  .top p, nav, .links, #live-box, .brake { display: none; }
  .sheet { border: 0; padding: 0; } .page, .page.wide { max-width: none; display: block; } body { padding: 0; }
}
@media (max-width: 36rem) {
  body { padding: .625rem; }
  .sheet { padding: .875rem; }
  .facts { grid-template-columns: 1fr; gap: 0; }
  .facts dd { margin-bottom: .375rem; }
  .caps, .pair, .place { grid-template-columns: 1fr; }
  .depth-1, .depth-2, .depth-3, .depth-4 { margin-left: .5rem; }
  .rows li > :nth-child(n+3) { grid-column: 1 / -1; text-align: left; }
  nav.links { gap: 0 1rem; margin: 0 0 .5rem; font-size: .9375rem; }
  h1 { font-size: 1.3125rem; }
  .proof .buttons { flex: 1 1 100%; }
  .buttons button { flex: 1 1 auto; }
}
`;

/** The style's name in the content security policy. */
export const STYLE_HASH = `sha256-${createHash('sha256').update(STYLE).digest('base64')}`;
