/** All that 32-bit addresses reach. */
export const MOST_BYTES = 2 ** 32;

/** @param {number} bytes */
export const mega = (bytes) => `${Math.ceil(bytes / 1e6)} MB`;
