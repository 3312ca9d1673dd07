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

/** What a terminal obeys, a new line and a tab aside. */
const STEERING = /[\x00-\x08\x0b-\x1f\x7f-\x9f]/g;

/**
 * What a model says, or is told: a file and a program get it exactly, a terminal without what would steer it.
 * @param {string} text
 */
export function printText(text) {
    process.stdout.write(process.stdout.isTTY ? text.replace(STEERING, '') : text);
}

/**
 * In one line, in which nothing steers a terminal.
 * @param {unknown} value
 */
export function printJson(value) {
    const escaped = (/** @type {string} */ letter) => `\\u00${letter.charCodeAt(0).toString(16)}`;
    process.stdout.write(`${JSON.stringify(value).replace(/[\x7f-\x9f]/g, escaped)}\n`);
}

/**
 * One line on standard error that is written over; nothing unless a person looks at it.
 * @param {string} label
 */
export function progressBar(label) {
    if (!process.stderr.isTTY) return { update: () => {}, end: () => {} };
    let shown = '';
    return {
        /** @param {import('../progress.js').Progress<string>} progress */
        update(progress) {
            const text = progressText(progress);
            if (text === shown) return;
            shown = text;
            process.stderr.write(`\r\x1b[K${label} ${text}`);
        },
        end() {
            if (shown) process.stderr.write('\r\x1b[K');
        },
    };
}

/** @param {import('../progress.js').Progress<string>} progress */
function progressText({ phase, loaded, total, rate, eta }) {
    const words = [total ? `${Math.floor((100 * loaded) / total)} %` : `${loaded}`];
    if (phase === 'wait') words.push('waiting for the network');
    // a quick load needs no more
    else if (eta !== undefined && eta >= 2 && rate !== undefined)
        words.push(`${(rate / 1e6).toFixed(1)} MB/s`, `${Math.ceil(eta)} s`);
    return words.join(', ');
}
