#!/usr/bin/env node
// Pictures of the chat page in its main states, to be looked at when it has changed:
//   node tests/web/screenshots.mjs [folder]     build/screenshots without a folder
// Those that README.md shows are copied to docs/. What is told there is the bundled model's own, with a seed.
import { copyFileSync, mkdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { openBrowser } from './browsers.mjs';
import { chatPage } from './chat-page.mjs';
import { scriptedPage, serveWithHeaders } from './chat.mjs';
import { modelPath, root } from './helpers.mjs';
import { serveModel } from './model-server.mjs';

const LOOKS = {
    desktop: { width: 1000, height: 640, scheme: 'light' },
    dark: { width: 1000, height: 640, scheme: 'dark' },
    phone: { width: 390, height: 844, scheme: 'light' },
};
const IN_README = ['desktop-story', 'dark-models', 'phone-story'];

const MARKDOWN = `A **fox** and a [link](https://example.org/foxes), which shows where it leads.

| animal | colour | knows |
|---|---|---:|
| fox | red | many things |
| hedgehog | brown | one great thing |

\`\`\`js
for (const animal of animals) animal.say('a line of code that is wider than a telephone is, and moves');
\`\`\`

1. They meet.
2. They part.
`;

const folder = resolve(process.argv[2] ?? join(root, 'build/screenshots'));
mkdirSync(folder, { recursive: true });
const closing = [];
const t = { after: (close) => closing.unshift(close) };

const models = await serveModel(readFileSync(modelPath), { 'access-control-allow-origin': '*' });
t.after(models.close);
const { url } = await serveWithHeaders(t, { page: scriptedPage(t), allowed: [models.origin] });
const browser = await openBrowser('chromium');
t.after(browser.close);
const page = chatPage(await browser.open(url));

async function take(state) {
    for (const [look, { width, height, scheme }] of Object.entries(LOOKS)) {
        await page.viewport(width, height);
        await page.evaluate(
            (wanted) => void (document.documentElement.style.colorScheme = wanted),
            scheme,
        );
        await page.until('the width', (wanted) => innerWidth === wanted, width);
        await page.evaluate(() => {
            const list = document.querySelector('#messages');
            list.scrollTop = list.scrollHeight;
        });
        await page.evaluate(() => new Promise((resolve) => setTimeout(resolve, 200)));
        await page.screenshot(join(folder, `${look}-${state}.png`));
    }
    await page.viewport(LOOKS.desktop.width, LOOKS.desktop.height);
}

const script = (text, ms) =>
    page.evaluate((value) => void (window.script = value), text ? { text, ms } : null);

await page.ready();
await take('first');
await page.set('seed', 3);
for (const begin of [
    'A king had three sons',
    'The little boat',
    'Once upon a time there was a fox',
])
    await page.choose('New conversation').then(() => page.say(begin));
await take('story');
await page.evaluate(() => document.querySelector('#toggle-sidebar').click());
await page.evaluate(() => (document.querySelector('#conversations details').open = true));
await take('conversations');
await page.evaluate(() => document.querySelector('#toggle-sidebar').click());
await page.click('#open-models');
await page.until('what is stored', () => document.querySelector('#stored li'));
await take('models');
await page.evaluate(() => (document.querySelector('#models').scrollTop = 1e6));
await take('storage');
models.fault = (request, response) => {
    const { length } = models.bytes;
    const headers = { ...models.headers, 'content-length': length };
    response.writeHead(200, headers).write(models.bytes.subarray(0, length / 2));
    return true;
};
await page.type('#source', models.url);
await page.choose('Load', '#source-form');
await page.until('a part', () => document.querySelector('#progress').value > 0);
await page.evaluate(() => (document.querySelector('#models').scrollTop = 0));
await take('loading');
await page.press('Escape');
await page.choose('New conversation');
await page.type('#text', 'Who are you?');
await page.press('Enter');
await take('waiting');
await page.click('#open-models');
await page.evaluate(
    () => (document.querySelector('#source').value = 'https://other.example/model'),
);
await page.choose('Load', '#source-form');
await page.until('a sentence', () => document.querySelector('#models-trouble').textContent);
await take('error');
await page.press('Escape');
await page.evaluate(() => (document.querySelector('#text').value = ''));
await page.uploadFile('#model-file', modelPath);
await page.ready();
await take('choice');
await script(MARKDOWN);
await page.say('What do foxes know?');
await take('chat');
await page.choose('Edit', '#messages');
await take('edit');
await page.choose('Cancel', '#messages');
await script(MARKDOWN.repeat(5), 30);
await page.type('#text', 'And what else?');
await page.press('Enter');
await page.until('a word', () => document.querySelector('#messages > :last-child p'));
await take('writing');
await page.press('Escape');
await page.ready();
await page.click('#open-settings');
await take('settings');
await page.press('Escape');
for (const close of closing) await close();

mkdirSync(join(root, 'docs'), { recursive: true });
for (const name of IN_README)
    copyFileSync(join(folder, `${name}.png`), join(root, 'docs', `chat-${name}.png`));
