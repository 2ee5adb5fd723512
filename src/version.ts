declare const PURSER_VERSION: string | undefined;

/** The version of this Purser, written in when it is built; sources that run unbuilt say so. */
export const version = typeof PURSER_VERSION === 'string' ? PURSER_VERSION : '0.0.0-unbuilt';
