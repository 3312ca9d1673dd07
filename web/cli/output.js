/** @param {unknown} value */
export function printJson(value) {
    process.stdout.write(`${JSON.stringify(value)}\n`);
}

/**
 * One line on standard error that is written over; nothing unless a person looks at it.
 * @param {string} label
 */
export function progressBar(label) {
    if (!process.stderr.isTTY) return { update: () => {}, end: () => {} };
    let shown = '';
    return {
        /** @param {{loaded: number, total: number | undefined}} progress */
        update({ loaded, total }) {
            const percent = total ? `${Math.floor((100 * loaded) / total)} %` : `${loaded}`;
            if (percent === shown) return;
            shown = percent;
            process.stderr.write(`\r\x1b[K${label} ${percent}`);
        },
        end() {
            if (shown) process.stderr.write('\r\x1b[K');
        },
    };
}
