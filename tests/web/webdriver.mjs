// Pages through W3C WebDriver. Its commands have the same names and parameters in every browser; how they get
// there is `send`, a function of a command and its parameters.
import { writeFile } from 'node:fs/promises';
import { CODES, keyActions } from './keys.mjs';

// Runs in a fresh page. The protocol can tell nothing of errors and the console, so the page collects them
// itself; and WebKit's driver goes on before a page has loaded when the page got a process of its own.
const PREPARE = `(() => {
    const troubles = (window.troubles = []);
    window.addEventListener('error', ({ message }) => troubles.push(message));
    window.addEventListener('unhandledrejection', ({ reason }) => troubles.push(String(reason)));
    for (const level of ['debug', 'info', 'log', 'warn', 'error'])
        console[level] = (...words) => troubles.push(words.join(' '));
    if (document.readyState === 'complete') return;
    return new Promise((resolve) => window.addEventListener('load', () => resolve()));
})()`;

/** Of a picture, for Firefox, which else takes all of the page. */
const SEEN = { full: false };

/** Pages may have a policy against it. */
const EVAL = `try {
    return window.eval(arguments[0]);
} catch (error) {
    if (error.name !== 'EvalError' && !/Content Security Policy|Trusted/i.test(error.message)) throw error;
    return { isForbidden: true };
}`;

/** How much larger than the page its window is. */
const BORDER = `({ width: outerWidth - innerWidth, height: outerHeight - innerHeight })`;

/**
 * An element is in view, and stays there for two frames. What had the focus before may still scroll back to itself,
 * and a click then meets something else.
 */
const STAND_STILL = `(async (selector) => {
    const element = document.querySelector(selector);
    for (let last = NaN, top; top !== last;) {
        element.scrollIntoView({ block: 'nearest', behavior: 'instant' });
        last = element.getBoundingClientRect().top;
        for (let i = 0; i < 2; i++) await new Promise(requestAnimationFrame);
        top = element.getBoundingClientRect().top;
    }
})`;

/** The Error of an answer that says that its command failed. */
export const failure = ({ error, message }) => new Error(`${error}: ${message}`);

const stops = new Set();
let isWatching = false;

/**
 * Lets `stop` run when this process ends: a test file that fails or is interrupted leaves nothing running.
 * @returns {() => void} runs it now, and no more then
 */
export function stopAtEnd(stop) {
    if (!isWatching) {
        process.once('exit', () => stops.forEach((left) => left()));
        for (const signal of ['SIGHUP', 'SIGINT', 'SIGTERM'])
            process.once(signal, () => process.exit(1));
        isWatching = true;
    }
    stops.add(stop);
    return () => {
        stops.delete(stop);
        stop();
    };
}

/**
 * @param {(command: string, parameters?: object) => Promise<any>} send
 * @param {{ limitMs: number, loadMs: number }} limits how long a script may take, and a page to load
 * @param {'tab' | 'window'} [alone] where a page is that no other one is beside
 * @returns {Promise<(url: string) => Promise<object>>} opens a page
 */
export async function pageOpener(send, { limitMs, loadMs }, alone = 'window') {
    await send('SetTimeouts', { script: limitMs, pageLoad: loadMs });
    const first = await send('GetWindowHandle');
    // Commands go to the current window, so those of several pages must not mingle.
    let last = Promise.resolve();
    const inWindow = (handle, name, parameters) => {
        const command = last.then(async () => {
            // the first one's empty tab is not to cover the tab of a page
            await send('SwitchToWindow', handle === first ? { handle, focus: false } : { handle });
            return send(name, parameters);
        });
        last = command.catch(() => {});
        return command;
    };

    let nOpen = 0;
    return async (url) => {
        // Of several pages each has to be seen. The first window stays, empty: a new one can be opened from an open one only.
        const type = nOpen > 0 ? 'window' : alone;
        const { handle } = await inWindow(first, 'NewWindow', { type });
        nOpen++;
        let before; // what a tab's window is again for the next one
        const command = (name, parameters) => inWindow(handle, name, parameters);
        const execute = (script, args) => command('ExecuteScript', { script, args });
        // Firefox runs scripts beside the page, in a sandbox; what `eval` gets is the page's own.
        let isEvalAllowed = true;
        const run = async (expression) => {
            if (isEvalAllowed) {
                const answer = await execute(EVAL, [expression]);
                if (!answer?.isForbidden) return answer;
                isEvalAllowed = false;
            }
            return execute(`return ${expression}`, []);
        };
        const close = async () => {
            nOpen--;
            if (before) await command('SetWindowRect', before);
            await command('CloseWindow');
        };
        try {
            await command('Navigate', { url });
            await run(PREPARE);
        } catch (error) {
            await close().catch(() => {}); // what went wrong first is told
            throw error;
        }
        const find = async (value) => {
            const found = await command('FindElement', { using: 'css selector', value });
            return { id: Object.values(found)[0] };
        };
        const sendKeys = async (selector, text) =>
            command('ElementSendKeys', { ...(await find(selector)), text });
        return {
            run,
            uploadFile: sendKeys,
            click: async (selector) => {
                await run(`${STAND_STILL}(${JSON.stringify(selector)})`);
                await command('ElementClick', await find(selector));
            },
            // The character for a new line is no key in every browser.
            type: (selector, text) => sendKeys(selector, text.replaceAll('\n', CODES.Enter)),
            press: (keys) => command('PerformActions', { actions: keyActions(keys) }),
            screenshot: async (path) =>
                writeFile(path, Buffer.from(await command('TakeScreenshot', SEEN), 'base64')),
            viewport: async (width, height) => {
                if (type === 'tab') before ??= await command('GetWindowRect');
                const border = await run(BORDER);
                const size = { width: width + border.width, height: height + border.height };
                await command('SetWindowRect', size);
            },
            troubles: () => run('window.troubles ?? []'), // none when the page has loaded itself again
            close,
        };
    };
}
