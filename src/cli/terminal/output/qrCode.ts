/** Light modules around it. A terminal has no room for the four of the standard, and cameras read it with two. */
const QUIET_MODULES = 2;

/** A text as a QR code of half blocks, light where a terminal is dark. */
export async function drawQrCode(text: string): Promise<string> {
  const { default: encodeQr } = await import('qr');
  return encodeQr(text, 'ascii', { ecc: 'low', border: QUIET_MODULES });
}
