// Where engines run: each in a Node process or a browser of its own, so that one that crashes, or eats
// all its memory, takes no other with it.
import { fork } from 'node:child_process';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { openBrowser } from '../../web/browsers.mjs';

// Longer than any call may take, even of a slow engine with a long prompt: what takes longer hangs.
const LIMIT_MS = 1_800_000;

/**
 * @typedef {object} Host
 * @property {(op: string, args: any[]) => Promise<any>} call see inside.mjs
 * @property {() => Promise<void>} end
 */

/**
 * @param {string} node the program
 * @returns {Promise<Host>}
 */
export async function startNode(node) {
    const child = fork(fileURLToPath(new URL('child.mjs', import.meta.url)), {
        execPath: node,
        // standard output is the report's
        stdio: ['ignore', process.stderr, process.stderr, 'ipc'],
    });
    const ended = new Promise((resolve) => {
        child.once('error', (error) => resolve(error.message));
        child.once('exit', (code, signal) => resolve(`its process ended by ${signal ?? code}`));
    });
    return {
        call: async (op, args) => {
            const answer = new Promise((resolve) => child.once('message', resolve));
            child.send({ op, args }, () => {}); // a process that is gone is seen by its end
            const died = ended.then((message) => ({ error: message }));
            const late = new AbortController();
            const hung = wait(LIMIT_MS, { error: 'no answer in half an hour' }, late);
            const { ok, error } = await Promise.race([answer, died, hung]);
            late.abort();
            if (error !== undefined) throw new Error(error);
            return ok;
        },
        end: async () => {
            child.kill('SIGKILL');
            await ended;
        },
    };
}

/**
 * @param {string} url of the server of this repository
 * @returns {Promise<Host>}
 */
export async function startChromium(url) {
    const browser = await openBrowser('chromium', { limitMs: LIMIT_MS });
    try {
        const page = await browser.open(`${url}/tests/bench/peers/page.html`);
        return {
            call: (op, args) => page.evaluate(callInside, op, args),
            end: () => browser.close(),
        };
    } catch (error) {
        await browser.close();
        throw error;
    }
}

/** Runs in the page. */
const callInside = (op, args) =>
    import('/tests/bench/peers/inside.mjs').then(({ call }) => call(op, args));
