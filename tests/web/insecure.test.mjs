// A page that came by http from another machine, as in a network at home: browsers give it no threads, no hashes of
// their own and no locks. It works, with one thread, and keeps models all the same.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import test, { before } from 'node:test';
import { browserMissing } from '../../wasm/toolchain/browsers.mjs';
import { Trit } from '../../web/node.js';
import { openBrowser } from './browsers.mjs';
import { modelPath } from './helpers.mjs';
import { serveModel } from './model-server.mjs';
import { startServer } from './server.mjs';

const RECORD = 1 << 18;
const PROMPT = 'Once upon a time';
const packed = readFileSync(modelPath);

/** An address of this machine by which others reach it, if it has one. */
const outside = Object.values(networkInterfaces())
    .flat()
    .find(({ family, internal }) => family === 'IPv4' && !internal)?.address;
/** A name that browsers trust no more than such an address, for those that can be told where it leads. */
const NAME = 'trit.test';
const chromiumArgs = [`--host-resolver-rules=MAP ${NAME} 127.0.0.1`];

let expected;
before(async () => {
    const model = await Trit.load(modelPath, { threads: 1, flavour: 'simd128' });
    expected = (await model.generate(PROMPT, { temperature: 0, maxTokens: 8 }).result).ids;
    model.close();
});

for (const name of ['chromium', 'firefox', 'webkit']) {
    const unreachable = outside || name === 'chromium' ? null : 'this machine has no address';
    const skip = browserMissing(name) ?? unreachable ?? false;
    test(`S8 ${name}: an insecure context`, { skip }, async (t) => {
        const browser = await openBrowser(name, { args: name === 'chromium' ? chromiumArgs : [] });
        const pages = await startServer({ isolated: true });
        const models = await serveModel(packed, {
            'access-control-allow-origin': '*',
            'access-control-expose-headers': 'content-range',
        });
        t.after(() => browser.close());
        t.after(() => [pages, models].forEach((server) => server.close()));
        const there = (url) => url.replace('localhost', outside ?? NAME);
        const open = () => browser.open(`${there(pages.url)}/tests/web/page.html`);
        const answer = (page) =>
            page.evaluate(
                (...rest) => window.answer(...rest),
                ...[{ store: { recordBytes: RECORD } }, PROMPT, 8, there(models.url)],
            );

        const first = await open();
        assert.deepEqual(
            await first.evaluate(() => [
                window.isSecureContext,
                window.crossOriginIsolated,
                typeof window.crypto.subtle,
                typeof navigator.locks,
            ]),
            [false, false, 'undefined', 'undefined'],
        );

        await t.test(
            'two tabs that begin at once download the model once, and store it',
            async () => {
                const second = await open();
                for (const { result, info } of await Promise.all([answer(first), answer(second)])) {
                    assert.deepEqual(result.ids, expected);
                    assert.deepEqual([info.threads, info.stored], [1, true]);
                    assert.match(info.note, /https/);
                }
                assert.deepEqual(models.requests, [[0, undefined]]);
                await second.close();
            },
        );

        await t.test('the next visit asks for nothing', async () => {
            const before = models.requests.length;
            assert.deepEqual((await answer(await open())).result.ids, expected);
            assert.equal(models.requests.length, before);
        });
    });
}
