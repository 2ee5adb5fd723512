/** The request of the payment whose life the crash test cuts short. */
export const LIFE_REQUEST = 'life';
