// Whether everybody can use the chat page: what axe-core finds in each of its states, at phone width too; and the way from
// its start to an answer and back by keys alone.
import assert from 'node:assert/strict';
import { cpSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { browserMissing } from '../../wasm/toolchain/browsers.mjs';
import { openBrowser } from './browsers.mjs';
import { chatPage } from './chat-page.mjs';
import { scriptedPage, serveWithHeaders } from './chat.mjs';
import { modelPath, root } from './helpers.mjs';
import { serveModel } from './model-server.mjs';

const MARKDOWN = `A **fox** and [a link](https://example.org/a/rather/long/path/that/goes/on/and/on/and/on).

| animal | what it says, at such a length that no phone has room for it in one line |
|---|---|
| fox | \`somethingThatIsOneWordOnlyAndNeverEndsBeforeTheEdgeOfThePageHasBeenReachedAndPassed\` |

\`\`\`js
const aLineOfCode = 'that is much wider than any phone, and has to be moved to be read to its end';
\`\`\`

1. one
2. two
`;

/** In the page: what axe finds, and what is wider than its place; but code and tables may be, which can be scrolled. */
async function inspect(rules) {
    const runOnly = rules ? { runOnly: { type: 'rule', values: rules } } : {};
    const { violations, passes } = await window.axe.run(document, {
        resultTypes: ['violations'],
        ...runOnly,
    });
    const found = violations.flatMap(({ id, nodes }) =>
        nodes.map(({ target, failureSummary }) => `${id}: ${target}: ${failureSummary}`),
    );
    const { scrollWidth } = document.documentElement;
    if (scrollWidth > innerWidth) found.push(`the page is ${scrollWidth} wide`);
    for (const each of document.querySelectorAll('body, body *')) {
        const scrolls = /auto|scroll/.test(getComputedStyle(each).overflowX);
        const isWide = scrolls && each.scrollWidth > each.clientWidth && each.checkVisibility();
        if (isWide && !each.matches('pre, .table')) found.push(`${each.outerHTML} is too wide`);
    }
    return { found, passed: passes.length };
}

/** What axe asks in each look: of the colours all that a scheme changes; and once is enough of what no browser changes. */
const CONTRAST = ['color-contrast'];
const LOOKS = {
    chromium: [
        { look: 'wide', width: 1100, scheme: 'light', rules: CONTRAST },
        { look: 'dark', width: 1100, scheme: 'dark', rules: CONTRAST },
        { look: 'narrow', width: 360, scheme: 'light' },
    ],
    firefox: [
        { look: 'wide', width: 1100, scheme: 'light' },
        { look: 'narrow', width: 360, scheme: 'dark', rules: CONTRAST },
    ],
};

/** In the page: what has the focus, and whether one sees that. */
function focused() {
    const { activeElement: element } = document;
    const { left, right, top, bottom } = element.getBoundingClientRect();
    const { outlineStyle, outlineWidth } = getComputedStyle(element);
    const isInView = right > 0 && bottom > 0 && left < innerWidth && top < innerHeight;
    return {
        name: element.id || element.getAttribute('aria-label') || element.textContent.trim(),
        isNowhere: element === document.body,
        isSeen: isInView && element.checkVisibility({ visibilityProperty: true }),
        isMarked: outlineStyle !== 'none' && parseFloat(outlineWidth) >= 2,
    };
}

/** In the page, in short. */
function isFocusSeen() {
    const { top, bottom } = document.activeElement.getBoundingClientRect();
    return bottom > 0 && top < innerHeight;
}

/** A page with axe and with given answers, and a host of which a model never comes whole until it is let go. */
async function openPage(t, browser) {
    const folder = scriptedPage(t);
    cpSync(join(root, 'node_modules/axe-core/axe.min.js'), join(folder, 'axe.js'));
    const models = await serveModel(readFileSync(modelPath), {
        'access-control-allow-origin': '*',
        'access-control-expose-headers': '*',
    });
    const held = [];
    models.fault = (request, response) => {
        const { length } = models.bytes;
        const range = `bytes 0-${length - 1}/${length}`;
        const headers = { ...models.headers, 'content-length': length, 'content-range': range };
        response.writeHead(206, headers).write(models.bytes.subarray(0, length / 2));
        return held.push(response);
    };
    const letGo = () => {
        models.fault = undefined;
        held.forEach((response) => response.destroy());
    };
    const chat = await serveWithHeaders(t, { page: folder, allowed: [models.origin] });
    t.after(() => models.close());
    const page = chatPage(await browser.open(chat.url));
    await page.evaluate(() => import('/axe.js').then(() => true));
    return { page, models, letGo };
}

for (const name of ['chromium', 'firefox']) {
    const skip = browserMissing(name) ?? false;
    test(name, { skip }, async (t) => {
        const browser = await openBrowser(name);
        t.after(() => browser.close());

        await t.test(
            'axe finds nothing in any state, and nothing is wider than a phone',
            async (t) => {
                const { page, models, letGo } = await openPage(t, browser);
                const troubles = [];
                const check = async (state) => {
                    for (const { look, width, scheme, rules } of LOOKS[name]) {
                        await page.viewport(width, 760);
                        await page.until('the width', (wanted) => innerWidth === wanted, width);
                        await page.evaluate(
                            (wanted) => void (document.documentElement.style.colorScheme = wanted),
                            scheme,
                        );
                        const { found, passed } = await page.evaluate(inspect, rules);
                        assert.ok(passed > 0, 'axe has looked at it');
                        troubles.push(...found.map((each) => `${state}, ${look}: ${each}`));
                    }
                    await page.viewport(1100, 760);
                };
                const script = (text, ms = 0) =>
                    page.evaluate((value) => void (window.script = value), { text, ms });

                await page.ready();
                await check('the first visit');

                await page.click('#open-models');
                await page.type('#source', models.url);
                await page.choose('Load', '#source-form');
                await page.until('a part', () => document.querySelector('#progress').value > 0);
                await check('models, one being loaded');
                await page.press('Escape');
                await page.type('#text', 'Who are you?');
                await page.press('Enter');
                assert.match(await page.status(), /still being loaded/);
                await check('no model yet, a text that waits');
                await script(MARKDOWN);
                assert.equal(
                    await page.evaluate(() => document.querySelector('#text').value),
                    'Who are you?',
                );
                letGo();
                await page.until('its answer', () =>
                    document.querySelector('#messages table + *, #messages ol'),
                );
                await page.ready();
                assert.deepEqual(
                    (await page.read()).map(({ role }) => role),
                    ['user', 'assistant'],
                );
                assert.equal(await page.evaluate(() => document.querySelector('#text').value), '');
                await check('a chat');
                await page.choose('Edit', '#messages');
                await check('a message being edited');
                await page.choose('Cancel', '#messages');

                await page.choose('New conversation');
                await check('a choice of what the model does');
                await page.evaluate(() => {
                    const choice = document.querySelector('#mode-choice');
                    choice.value = 'story';
                    choice.dispatchEvent(new Event('change'));
                });
                await script('A story that goes on and on. '.repeat(50), 20);
                await page.type('#text', 'Once upon a time there was a fox');
                await page.press('Enter');
                await page.until(
                    'its beginning',
                    () => document.querySelector('#messages > .assistant .plain')?.textContent,
                );
                await check('a story being written');
                await page.press('Escape');
                await page.ready();
                await check('a story that was stopped');

                await page.click('#conversations summary');
                await check('a menu');
                await page.choose('Rename', '#conversations');
                await check('a question');
                await page.press('Escape');
                await page.click('#open-settings');
                await check('settings');
                await page.press('Escape');
                await page.click('#open-models');
                await page.evaluate(() => (document.querySelector('#source').value = ''));
                await page.type('#source', 'nothing');
                await page.choose('Load', '#source-form');
                await page.until(
                    'a sentence',
                    () => document.querySelector('#models-trouble').textContent,
                );
                await check('models, and an error');
                await page.press('Escape');
                await page.evaluate(() => document.querySelector('#toggle-sidebar').click());
                await check('conversations, on a phone');
                await page.type('#text', 'And then');
                await page.press('Enter');
                await page.until('the writing', () => !document.querySelector('#stop').hidden);
                await page.evaluate(() => document.querySelector('#search').focus());
                await page.press('Escape');
                const [isOpen, isWriting] = await page.evaluate(() => [
                    document.querySelector('#sidebar').classList.contains('open'),
                    !document.querySelector('#stop').hidden,
                ]);
                assert.deepEqual([isOpen, isWriting], [false, true]);
                assert.deepEqual(troubles, []);
                await page.close();
            },
        );

        await t.test('by keys alone from the start to an answer and back', async (t) => {
            const { page } = await openPage(t, browser);
            await page.ready();
            await page.evaluate(
                (text) => void (window.script = { text, ms: 20 }),
                'A story that goes on. '.repeat(50),
            );
            const at = async () => (await page.evaluate(focused)).name;
            /** Goes on with a key until what it leads to has the focus; all on the way can be seen, and that it has it. */
            const go = async (key, wanted) => {
                for (let steps = 0; steps < 40; steps++) {
                    await page.press(key);
                    // browsers scroll there when they have time
                    await page.until('a focus that is seen', isFocusSeen);
                    const { name: reached, ...state } = await page.evaluate(focused);
                    assert.deepEqual(
                        state,
                        { isNowhere: false, isSeen: true, isMarked: true },
                        reached,
                    );
                    if (reached === wanted) return;
                }
                assert.fail(`${key} never leads to ${wanted}`);
            };
            const isOpen = (id) =>
                page.evaluate((which) => document.getElementById(which).open, id);

            assert.equal(await at(), 'text', 'one can write at once');
            for (const key of 'A fox') await page.press(key);
            await page.press('Enter');
            await page.until(
                'an answer',
                () => document.querySelector('#messages > .assistant .plain')?.textContent,
            );
            // of an input method, which takes back what it has composed
            const escape = { key: 'Escape', isComposing: true, bubbles: true };
            const written = await page.evaluate((init) => {
                document.querySelector('#text').dispatchEvent(new KeyboardEvent('keydown', init));
                return document.querySelector('#messages > .assistant .plain').textContent.length;
            }, escape);
            await page.until(
                'more of it',
                (n) =>
                    document.querySelector('#messages > .assistant .plain').textContent.length > n,
                written + 100,
            );
            await go('Tab', 'stop');
            await page.press('Enter');
            await page.ready();
            assert.match(await page.status(), /stopped/);
            assert.equal(await at(), 'text');

            for (const [opener, dialog] of [
                ['open-settings', 'settings'],
                ['open-models', 'models'],
            ]) {
                await go('Shift+Tab', opener);
                await page.press('Enter');
                assert.ok(await isOpen(dialog));
                await go('Tab', dialog === 'models' ? 'close-models' : 'Done');
                await page.press('Escape');
                assert.ok(!(await isOpen(dialog)));
                assert.equal(await at(), opener);
            }
            await go('Tab', 'A fox');
            await go('Tab', 'More for “A fox”');
            await page.press('Enter');
            await go('Tab', 'Rename');
            await page.press('Escape');
            assert.equal(await at(), 'More for “A fox”');
            await page.press('Enter');
            await go('Tab', 'Rename');
            await page.press('Enter');
            for (const key of 'Tale') await page.press(key);
            await page.press('Enter');
            await page.until(
                'its name',
                () => document.querySelector('.title').textContent === 'Tale',
            );
            assert.equal(await at(), 'More for “Tale”');
            await go('Tab', 'messages');
            await go('Tab', 'Edit');
            await page.press('Enter');
            assert.equal(await at(), 'Your message');
            await page.press('Escape');
            assert.equal(await at(), 'Edit');
            await go('Tab', 'Regenerate');
            await page.press('Enter');
            await page.until('the writing', () => !document.querySelector('#stop').hidden);
            assert.equal(await at(), 'stop');
            await go('Shift+Tab', 'Edit');
            await page.press('Enter');
            await page.press('Escape');
            assert.equal(await at(), 'Edit');
            assert.ok(await page.evaluate(() => !document.querySelector('#stop').hidden));
            await go('Tab', 'stop');
            await page.press('Escape');
            await page.ready();
            assert.equal(await at(), 'text');
            await go('Shift+Tab', 'More for “Tale”');
            await page.press('Enter');
            await go('Tab', 'Delete');
            await page.press('Enter');
            await page.until('a question', () => document.querySelector('dialog[open]'));
            await page.press('Enter');
            await page.until('its end', () => !document.querySelector('.title'));
            assert.equal(await at(), 'text');
        });
    });
}
