/**
 * What an endpoint is about, in words of ours: sellers and catalogues write their own, and an owner's rule cannot be
 * about words that a seller may change at will.
 */
export const CATEGORIES = [
  'ai',
  'business',
  'commerce',
  'compute',
  'crypto',
  'developer',
  'documents',
  'finance',
  'knowledge',
  'location',
  'media',
  'messaging',
  'news',
  'search',
  'security',
  'social',
  'weather',
  'web',
] as const;

/** One of {@link CATEGORIES}. */
export type Category = (typeof CATEGORIES)[number];

/** Word beginnings that tell a category; the first category with the most hits is taken. */
const WORDS: Readonly<Record<Category, readonly string[]>> = {
  ai: ['llm', 'gpt', 'inference', 'embedding', 'prompt', 'chat', 'completion', 'model', 'ai', 'agent'],
  business: ['company', 'companies', 'firmograph', 'enrich', 'lead', 'contact', 'crm', 'recruit', 'job'],
  commerce: ['product', 'shop', 'ecommerce', 'retail', 'order', 'gift', 'travel', 'hotel', 'flight'],
  compute: ['compute', 'gpu', 'sandbox', 'execut', 'storage', 'ipfs', 'database', 'hosting'],
  crypto: ['crypto', 'token', 'wallet', 'blockchain', 'defi', 'onchain', 'nft', 'gas', 'dex', 'bitcoin'],
  developer: ['code', 'github', 'developer', 'devtool', 'regex', 'package', 'lint', 'api-test'],
  documents: ['pdf', 'document', 'ocr', 'invoice', 'spreadsheet', 'markdown', 'convert', 'parse'],
  finance: ['finance', 'stock', 'forex', 'currency', 'exchange', 'equity', 'earning', 'tax', 'bank'],
  knowledge: ['dictionary', 'translat', 'language', 'academic', 'paper', 'research', 'patent', 'legal'],
  location: ['geo', 'location', 'map', 'address', 'route', 'timezone', 'place', 'postal', 'ip-lookup'],
  media: ['image', 'photo', 'video', 'audio', 'music', 'speech', 'voice', 'thumbnail', 'transcri'],
  messaging: ['email', 'sms', 'message', 'notification', 'fax', 'phone', 'mail'],
  news: ['news', 'headline', 'article', 'press', 'sport', 'event'],
  search: ['search', 'serp', 'lookup', 'query'],
  security: ['security', 'fraud', 'malware', 'vulnerab', 'phishing', 'captcha', 'breach', 'kyc', 'sanction'],
  social: ['twitter', 'tweet', 'reddit', 'social', 'instagram', 'tiktok', 'farcaster', 'linkedin', 'profile'],
  weather: ['weather', 'forecast', 'climate', 'air-quality', 'tide', 'rain', 'temperature'],
  web: ['scrape', 'scraping', 'crawl', 'browser', 'screenshot', 'website', 'domain', 'dns', 'whois', 'url'],
};

/** A hit in a tag says more than one in prose. */
const TAG_WEIGHT = 3;

/**
 * The category that tags and prose speak of, or null.
 *
 * @param tags the catalogue's own categories and tags, lower case
 * @param prose title and description
 */
export function categorise(tags: readonly string[], prose: string): Category | null {
  const named = CATEGORIES.find((category) => tags.includes(category));
  if (named !== undefined) return named;
  const tagWords = wordsOf(tags.join(' '));
  const proseWords = wordsOf(prose);
  let best: Category | null = null;
  let bestHits = 0;
  for (const category of CATEGORIES) {
    const hits = TAG_WEIGHT * hitsIn(tagWords, category) + hitsIn(proseWords, category);
    if (hits > bestHits) [best, bestHits] = [category, hits];
  }
  return best;
}

function wordsOf(text: string): string[] {
  return text.toLowerCase().match(/[\p{L}\d-]+/gu) ?? [];
}

/** Two letters are a whole word, never the beginning of another. */
function hitsIn(words: readonly string[], category: Category): number {
  return WORDS[category].filter((stem) =>
    words.some((word) => (stem.length < 4 ? word === stem : word.startsWith(stem))),
  ).length;
}
