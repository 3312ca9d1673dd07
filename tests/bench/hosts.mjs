// Where an engine can run: Node as a child process, a browser as a page. Each host has a version and starts
// engines; an engine answers requests one after the other until it is closed.
import { fork } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { browserMissing, browserProgram } from '../../wasm/toolchain/browsers.mjs';
import { toolDir } from '../../wasm/toolchain/paths.mjs';
import { versionOf } from '../../wasm/toolchain/run.mjs';
import { startServer } from '../web/server.mjs';

const childFile = fileURLToPath(new URL('node-host.mjs', import.meta.url));

/** WebKit's driver does not tell its version. */
const withVersion = (name, program) => [name, versionOf(program)?.join('.')].join(' ').trim();

function nodeHost(execPath) {
    return {
        version: withVersion('Node', execPath),
        async start() {
            const child = fork(childFile, { execPath, execArgv: [] });
            const ask = (request) =>
                new Promise((resolve, reject) => {
                    const died = (code) => reject(new Error(`the process ended with ${code}`));
                    child.once('exit', died);
                    child.once('message', (answer) => {
                        child.off('exit', died);
                        resolve(answer);
                    });
                    child.send(request);
                });
            return { ask, close: () => child.disconnect() };
        },
        close() {},
    };
}

async function browserHost(browserName, label) {
    const missing = browserMissing(browserName);
    if (missing) throw new Error(missing);
    // Its packages are sure to be there only now.
    const { openBrowser } = await import('../web/browsers.mjs');
    const browser = await openBrowser(browserName, { limitMs: 240_000 });
    const server = await startServer({ isolated: true });
    return {
        version: withVersion(label, browserProgram(browserName)),
        async start() {
            const page = await browser.open(`${server.url}/tests/bench/page.html`);
            const ask = (request) => page.evaluate((r) => window.ask(r), request);
            return { ask, close: page.close };
        },
        async close() {
            await browser.close();
            server.close();
        },
    };
}

/** By the name that --hosts takes. */
export const hostMakers = {
    node: () => nodeHost(process.execPath),
    node24: () => nodeHost(join(toolDir, 'node24/node')),
    chromium: () => browserHost('chromium', 'Chromium'),
    firefox: () => browserHost('firefox', 'Firefox'),
    webkit: () => browserHost('webkit', 'WebKit'),
};

/** Sends a request and unwraps its answer; errors keep their code. */
async function ask(engine, request) {
    const { value, error } = await engine.ask(request);
    if (error) throw Object.assign(new Error(error.message), { code: error.code });
    return value;
}

/**
 * A model of random weights in a new engine: its info, what engine.mjs answers, and `close`. Node also tells
 * the CPU time that a measurement took of all its threads.
 */
export async function openEngine(host, { shape, ...options }) {
    const engine = await host.start();
    try {
        const info = await ask(engine, { op: 'open', shape, options });
        return {
            info,
            measure: (prefill, decode) => ask(engine, { op: 'measure', prefill, decode }),
            abort: (how) => ask(engine, { op: 'abort', ...how }),
            answer: () => ask(engine, { op: 'answer' }),
            close: engine.close,
        };
    } catch (error) {
        await engine.close();
        throw error;
    }
}
