/**
 * Names under which anybody can have a host: each host below them is a site of its own. A few that sellers use, not
 * the public suffix list; one that lacks here makes two strangers look like one site, which only hides a hint.
 */
const SHARED_SUFFIXES: readonly string[] = [
  ...['vercel.app', 'workers.dev', 'pages.dev', 'netlify.app', 'fly.dev', 'herokuapp.com', 'onrender.com'],
  ...['up.railway.app', 'railway.app', 'github.io', 'web.app', 'run.app', 'a.run.app', 'azurewebsites.net'],
  ...['cloudfront.net', 'amazonaws.com', 'replit.app', 'repl.co', 'deno.dev', 'ngrok.io', 'ngrok.app'],
  ...['ngrok-free.app', 'trycloudflare.com', 'modal.run', 'hf.space', 'surge.sh', 'glitch.me', 'bun.sh'],
];

/** Second levels under which countries register names, such as `co.uk`. */
const COUNTRY_SECOND: readonly string[] = ['co', 'com', 'org', 'net', 'gov', 'ac', 'edu', 'gob', 'or', 'ne'];

const LOCAL = /^(\d{1,3}(\.\d{1,3}){3}|\[[0-9a-f:.]+\])$/;

/**
 * The part of a host that one party controls, such as `example.co.uk` of `api.example.co.uk`; an address is its own
 * site, its port with it: what listens on another one may be another's.
 */
export function siteOf(host: string): string {
  const name = host.replace(/:\d+$/, '').replace(/\.$/, '').toLowerCase();
  if (LOCAL.test(name) || !name.includes('.')) return host.toLowerCase();
  const labels = name.split('.');
  const shared = SHARED_SUFFIXES.filter((suffix) => name.endsWith(`.${suffix}`)).sort(
    (a, b) => b.length - a.length,
  )[0];
  const suffixLabels =
    shared !== undefined
      ? shared.split('.').length
      : labels.at(-1)?.length === 2 && COUNTRY_SECOND.includes(labels.at(-2) ?? '')
        ? 2
        : 1;
  return labels.slice(-(suffixLabels + 1)).join('.');
}

/** The name that a site goes by: `example` of `api.example.co.uk`; empty for an address. */
export function labelOf(host: string): string {
  const site = siteOf(host);
  return LOCAL.test(site.replace(/:\d+$/, '')) ? '' : (site.split('.')[0] ?? '');
}

/** A name with the letters that look alike made one: `paypa1` and `paypal` are the same to a reader. */
export function foldLabel(label: string): string {
  return label
    .replaceAll('-', '')
    .replaceAll('rn', 'm')
    .replaceAll('vv', 'w')
    .replace(/[0135i]/g, (letter) => ({ '0': 'o', '1': 'l', '3': 'e', '5': 's', i: 'l' })[letter] ?? letter);
}
