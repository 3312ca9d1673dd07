// `npm start` as a person types it.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import test from 'node:test';
import { browserMissing } from '../../wasm/toolchain/browsers.mjs';
import { openBrowser } from './browsers.mjs';
import { chatPage } from './chat-page.mjs';
import { root } from './helpers.mjs';

/** Types it; `said` resolves when it has said something of this kind, or with all it said when it ends. */
function start(t, ...args) {
    // in a group of its own, as npm does not end what it has started
    const child = spawn('npm', ['start', '--', ...args], { cwd: root, detached: true });
    t.after(() => child.exitCode === null && process.kill(-child.pid, 'SIGTERM'));
    let text = '';
    const said = (pattern) =>
        new Promise((resolve) => {
            const look = () => pattern.test(text) && resolve(text);
            for (const stream of [child.stdout, child.stderr])
                stream.on('data', (data) => {
                    text += data;
                    look();
                });
            child.on('close', () => resolve(text));
        });
    return { child, said };
}

const skip = browserMissing('chromium') ?? false;
test('npm start says where the page is, and the page tells a story there', { skip }, async (t) => {
    const { said } = start(t, '--port', '0', '--allow-host', 'models.example');
    const text = await said(/Ctrl-C/);
    const [, url] = text.match(/^The chat page is at (http:\/\/localhost:\d+\/) /m) ?? [];
    assert.ok(url, text);
    const { headers } = await fetch(url);
    assert.match(headers.get('content-security-policy'), / https:\/\/models\.example;/);

    const browser = await openBrowser('chromium');
    t.after(() => browser.close());
    const page = chatPage(await browser.open(url));
    await page.ready();
    const told = await page.say('Once upon a time there was a fox');
    assert.ok(told.split(/\s+/).length > 5, told);
    assert.deepEqual(await page.troubles(), []);
});

test('what is wrong is said in a sentence', async (t) => {
    const taken = createServer().listen(0, 'localhost');
    await once(taken, 'listening');
    t.after(() => taken.close());
    const { port } = taken.address();
    const wrong = [
        [['--port', String(port)], `port ${port} is in use: choose another one`],
        [['--port', 'x'], '--port x: write a number'],
        [['--allow-host', 'a b'], '"a b" is no host'],
        [['--nothing'], "Unknown option '--nothing'"],
    ];
    for (const [args, sentence] of wrong) {
        const { child, said } = start(t, ...args);
        const [text, [code]] = await Promise.all([said(/\0/), once(child, 'close')]);
        assert.ok(text.includes(`trit start: ${sentence}`), text);
        assert.doesNotMatch(text, /\n\s+at /);
        assert.equal(code, 1);
    }
});
