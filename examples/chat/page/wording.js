// How sizes, times and rates are written.

const UNITS = ['bytes', 'kB', 'MB', 'GB', 'TB'];

/** @param {number} bytes */
export function sizeText(bytes) {
    const power = Math.min(UNITS.length - 1, Math.floor(Math.log10(Math.max(bytes, 1)) / 3));
    const value = bytes / 1000 ** power;
    return `${value.toFixed(value < 10 && power > 0 ? 1 : 0)} ${UNITS[power]}`;
}

/** @param {number} seconds */
export function durationText(seconds) {
    if (seconds < 60) return `${Math.max(1, Math.round(seconds))} s`;
    if (seconds < 3600) return `${Math.round(seconds / 60)} min`;
    return `${(seconds / 3600).toFixed(1)} h`;
}

/** @param {number} ms since 1970 */
export const dateText = (ms) =>
    new Date(ms).toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'short' });

const PHASES = {
    load: 'Loading',
    store: 'Keeping it for the next time',
    wait: 'The network is away. Waiting for it',
};

/** @param {import('./trit/index.js').Progress} progress */
export function progressText({ phase, loaded, total, rate, eta }) {
    const parts = [total ? `${sizeText(loaded)} of ${sizeText(total)}` : sizeText(loaded)];
    if (rate !== undefined) parts.push(`${sizeText(rate)}/s`);
    if (eta !== undefined) parts.push(`${durationText(eta)} left`);
    return `${PHASES[phase]}: ${parts.join(', ')}`;
}

/**
 * What an answer took.
 * @param {import('./trit/index.js').GenerateResult} result
 */
export function speedText({ ids, timings: { decodeMs }, finish }) {
    const rate = ids.length > 1 && decodeMs > 0 ? (1000 * ids.length) / decodeMs : undefined;
    const parts = [`${ids.length} tokens`];
    if (rate !== undefined) parts.push(`${rate.toFixed(rate < 10 ? 1 : 0)} tokens/s`);
    if (finish === 'abort') parts.push('stopped');
    if (finish === 'length') parts.push('cut at the length that the settings or the context allow');
    return parts.join(', ');
}
