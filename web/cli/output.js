import { TritError } from '../errors.js';

/**
 * Foreign text, such as a name in a file, that must not steer the terminal or begin a line.
 * @param {string} text
 */
export const oneLine = (text) => text.replace(/[\x00-\x1f\x7f-\x9f\u2028\u2029]+/g, ' ');

/**
 * The one line that a failure is told in.
 * @param {unknown} error
 */
export function printError(error) {
    const { code, message } = TritError.from(error, 'FAILED');
    process.stderr.write(`trit: ${code}: ${oneLine(message)}\n`);
}

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
