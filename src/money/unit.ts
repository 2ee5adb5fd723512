declare const unit: unique symbol;

/**
 * Whole numbers of one unit. A count of another unit is no value of it, so that two units cannot be swapped where a
 * function is called or a record is made. A plain bigint, such as a literal or the result of arithmetic, takes the unit of
 * the place it is put in.
 */
type CountOf<Unit extends string> = bigint & { readonly [unit]?: Unit };

/** Units of a token as its contract counts them: 10^-decimals of it. */
export type AtomicAmount = CountOf<'atomic'>;

/** Millionths of a US dollar: what every limit is counted in. */
export type UsdMicros = CountOf<'usd_micros'>;
