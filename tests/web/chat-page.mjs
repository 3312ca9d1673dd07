// The chat page as a person sees it: what stands on it, and waiting until it stands there.
import { setTimeout as wait } from 'node:timers/promises';

const PATIENCE_MS = 20_000;

/** @param {import('./browsers.mjs').Page} page */
export function chatPage(page) {
    /** Waits until a function of the page gives something, and gives that. */
    const until = async (what, condition, ...args) => {
        for (const end = Date.now() + PATIENCE_MS; Date.now() < end; await wait(30)) {
            const value = await page.evaluate(condition, ...args);
            if (value) return value;
        }
        const seen = await page.evaluate(() => document.body.innerText);
        throw new Error(`${what} did not come; the page says:\n${seen}`);
    };
    const isReady = () =>
        !document.querySelector('#send').disabled && document.querySelector('#stop').hidden;
    const read = () =>
        page.evaluate(() =>
            [...document.querySelectorAll('#messages > li')].map((item) => ({
                role: item.className,
                text: item.querySelector('.plain, .markdown')?.textContent ?? '',
            })),
        );
    return {
        ...page,
        until,
        read,
        ready: () => until('the model', isReady),
        status: () => page.evaluate(() => document.querySelector('#status').textContent),
        titles: () =>
            page.evaluate(() =>
                [...document.querySelectorAll('#conversations .title')].map(
                    (each) => each.textContent,
                ),
            ),
        /** Presses the button with this label within a part of the page. */
        async choose(label, within = 'body') {
            await page.evaluate(
                (wanted, where) => {
                    const all = [...document.querySelector(where).querySelectorAll('button')];
                    const found = all.find(
                        (each) => each.textContent === wanted && each.checkVisibility(),
                    );
                    if (!found) throw new Error(`there is no button “${wanted}” in ${where}`);
                    document.querySelector('[data-chosen]')?.removeAttribute('data-chosen');
                    found.setAttribute('data-chosen', '');
                },
                label,
                within,
            );
            await page.click('[data-chosen]');
        },
        /** Says something and waits for the answer. */
        async say(text) {
            const before = (await read()).length;
            await page.type('#text', text);
            await page.press('Enter');
            await until(
                'an answer',
                (n) =>
                    document.querySelector('#stop').hidden &&
                    document.querySelectorAll('#messages > li').length === n + 2,
                before,
            );
            return (await read()).at(-1).text;
        },
        /** Writes a number in the settings. */
        async set(name, value) {
            await page.click('#open-settings');
            await page.evaluate(
                (id) => (document.getElementById(id).value = ''),
                `setting-${name}`,
            );
            await page.type(`#setting-${name}`, String(value));
            await this.choose('Done', '#settings');
            await until('the end of the dialog', () => !document.querySelector('#settings').open);
        },
    };
}
