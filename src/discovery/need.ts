/** Words that stand in every wish and tell nothing about it. */
const STOPWORDS = new Set(
  `a about all also an and any api apis are as at available be been best but buy by call calls can cent cents cheap
  cheapest could current currently daily day do does dollar dollars each endpoint endpoints every find fetch for from get give
  given good had has have help how i if in into is it its just least less like list looking lookup make me more most
  much must my need needs no not now of off on one or other our out over paid pay per please price priced provide real
  retrieve return returns run service services should show so some someone something than that the their them then
  there these they thing this those time to today tool under up us usd usdc use used user using very via want was way we what
  when where which who whose why will with within without would x402 you your`.split(/\s+/),
);

/**
 * Words that sellers use for the same thing. A need that has one of them is looked for by all of its row. Stems are
 * FTS5's work: one form of each is enough.
 */
const SAME: readonly (readonly string[])[] = [
  ['company', 'business', 'firm', 'organization', 'firmographic', 'corporate'],
  ['picture', 'image', 'photo', 'illustration', 'artwork'],
  ['scrape', 'crawl', 'extract'],
  ['webpage', 'website', 'page', 'site'],
  ['translate', 'translation', 'localize'],
  ['tweet', 'twitter', 'x'],
  ['stock', 'equity', 'share', 'ticker'],
  ['currency', 'forex', 'fx'],
  ['crypto', 'cryptocurrency', 'coin', 'token'],
  ['weather', 'forecast', 'meteorological'],
  ['city', 'town', 'location'],
  ['transcribe', 'transcription', 'transcript'],
  ['speech', 'voice', 'spoken', 'tts', 'narration'],
  ['sound', 'audio', 'recording'],
  ['movie', 'film'],
  ['video', 'clip', 'footage'],
  ['email', 'mail', 'inbox', 'mailbox'],
  ['sms', 'text'],
  ['phone', 'telephone', 'mobile'],
  ['map', 'route', 'directions', 'navigation'],
  ['geocode', 'coordinates', 'latitude', 'geolocation'],
  ['summarize', 'summary', 'digest', 'tldr'],
  ['llm', 'gpt', 'completion', 'model'],
  ['job', 'vacancy', 'hiring', 'career'],
  ['person', 'people', 'contact', 'lead'],
  ['flight', 'airline', 'aviation', 'airport'],
  ['hotel', 'accommodation', 'lodging'],
  ['law', 'legal', 'court', 'statute'],
  ['paper', 'academic', 'scholarly', 'publication'],
  ['malicious', 'malware', 'phishing', 'threat', 'virus'],
  ['vulnerability', 'cve', 'exploit'],
  ['ocr', 'scan', 'scanned'],
  ['receipt', 'invoice', 'bill'],
  ['screenshot', 'screengrab', 'snapshot'],
  ['headline', 'news', 'article'],
  ['address', 'postal', 'zip'],
  ['tax', 'vat', 'duty'],
  ['gas', 'fee'],
  ['sentiment', 'opinion', 'mood'],
  ['compile', 'execute', 'sandbox'],
  ['gpu', 'compute'],
  ['sanction', 'aml', 'watchlist'],
  ['property', 'house', 'estate', 'home'],
  ['product', 'item', 'goods'],
  ['recipe', 'food', 'nutrition', 'meal'],
  ['doctor', 'medical', 'health', 'clinical'],
  ['drug', 'medicine', 'medication', 'pharmaceutical'],
  ['sport', 'match', 'fixture', 'league'],
  ['domain', 'whois', 'dns'],
];

const sameAs = new Map<string, readonly string[]>();
for (const row of SAME) for (const word of row) sameAs.set(word, [...(sameAs.get(word) ?? []), ...row]);

/** A need longer than this is a document; its first words say what it is about. */
const NEED_LENGTH_MAX = 1_000;
const WORDS_MAX = 16;

/**
 * The words a need is looked for by, each with the words that mean the same: what is left when the words of any wish
 * are gone, or all of them where nothing else is there.
 */
export function wordsOfNeed(need: string): (readonly string[])[] {
  const kept = [...new Set(keptWords(need).map((word) => word.toLowerCase()))];
  return kept.map((word) => [...new Set([word, ...(sameAs.get(word) ?? sameAs.get(singular(word)) ?? [])])]);
}

/**
 * How many of the words of a need a listing has to have to be shown: half of those that say what is wanted. A name or a
 * number in it (a city, a company, a flight) says for what it is wanted, and few listings have it. It goes by the need
 * alone: were it judged by what other listings have, one stuffed with words could hide the honest ones (T17).
 */
export function wordsEnough(need: string): number {
  const kept = keptWords(need);
  const wanted = kept.filter((word) => !/^\p{Lu}|\p{N}/u.test(word)).length;
  return Math.ceil((wanted === 0 ? kept.length : wanted) / 2);
}

/** The words of a need as they stand there, each once. */
function keptWords(need: string): string[] {
  const words = need.slice(0, NEED_LENGTH_MAX).match(/[\p{L}\p{N}]+/gu) ?? [];
  const unique = [...new Map(words.reverse().map((word) => [word.toLowerCase(), word])).values()].reverse();
  const telling = unique.filter((word) => !STOPWORDS.has(word.toLowerCase()) && !/^\d+$/.test(word));
  return (telling.length > 0 ? telling : unique).slice(0, WORDS_MAX);
}

/** Good enough to find a row of the table; the index has a stemmer of its own. */
function singular(word: string): string {
  if (word.endsWith('ies')) return `${word.slice(0, -3)}y`;
  return word.replace(/(?<=[^s])s$/, '').replace(/ing$|ed$/, '');
}
