// How long the chat page keeps its own thread busy while a long answer in Markdown comes, and how soon it is seen.
import { chatPage } from './chat-page.mjs';
import { modelPath } from './helpers.mjs';

/** Some of everything that a model writes. */
const CHAPTER = `## On foxes and **hedgehogs**

A fox knows *many* things, a hedgehog knows \`one\` great thing, as [somebody](https://example.org/parable) wrote; both of
them sleep in the day. What follows is a list, a table and some code.

- first, that foxes are red
    - unless they are white
    - or ~~blue~~ grey
- second, that hedgehogs are not

1. They meet.
2. They part.

| animal | colour | knows |
|---|---|---:|
| fox | red | many |
| hedgehog | brown | one |

> To meet is to part,
> said the fox.

\`\`\`js
for (const animal of animals) {
    if (animal.knows > 1) animal.run(); // before the hedgehog comes
}
\`\`\`

`;

/** In the page: begins to watch its thread. Chromium tells tasks of 50 ms and more; elsewhere a timer tells by how much it was late. */
function watch() {
    clearInterval(window.watched?.timer);
    const watched = {
        isTold: PerformanceObserver.supportedEntryTypes.includes('longtask'),
        longest: 0,
        late: 0,
    };
    if (watched.isTold)
        new PerformanceObserver((list) => {
            for (const { duration } of list.getEntries())
                watched.longest = Math.max(watched.longest, duration);
        }).observe({ type: 'longtask' });
    let last = performance.now();
    watched.timer = setInterval(() => {
        watched.late = Math.max(watched.late, performance.now() - last - 4);
        last = performance.now();
    }, 4);
    window.watched = watched;
}

/**
 * Milliseconds until something is seen of the page.
 * @param {import('./browsers.mjs').Browser} browser
 * @param {string} url
 */
export async function firstPaint(browser, url) {
    const page = chatPage(await browser.open(url));
    const { startTime } = await page.until('a paint', () =>
        performance.getEntriesByName('first-contentful-paint')[0]?.toJSON(),
    );
    await page.close();
    return startTime;
}

/** Milliseconds of processor time of the longest task that a page's own thread had. @param {Uint8Array} trace */
function longestTask(trace) {
    const { traceEvents } = JSON.parse(new TextDecoder().decode(trace));
    const threadOf = ({ pid, tid }) => `${pid} ${tid}`;
    const isMain = ({ name, args }) => name === 'thread_name' && args.name === 'CrRendererMain';
    const threads = new Set(traceEvents.filter(isMain).map(threadOf));
    const tasks = traceEvents.filter(
        (event) => /RunTask$/.test(event.name) && event.tdur && threads.has(threadOf(event)),
    );
    return Math.max(...tasks.map(({ tdur }) => tdur / 1000));
}

/**
 * The page with a conversation of some long answers.
 * @param {import('./browsers.mjs').Browser} browser
 * @param {string} url of a page of scriptedPage (chat.mjs)
 * @param {{letters?: number, answers?: number}} [options] of an answer, and how many there are
 * @returns {Promise<{page: ReturnType<typeof chatPage>, answer: (how?: {isTraced?: boolean}) => Promise<{tokens: number, longest: number | null, late: number, cpuMs: number | null}>}>}
 *   answer: lets another one come, longest: of the tasks meanwhile, 0 when none took 50 ms, null where the
 *   browser does not tell; cpuMs: the processor time of the longest, which Chromium tells when it is asked to trace
 */
export async function openLongChat(browser, url, { letters = 20_000, answers = 3 } = {}) {
    const page = chatPage(await browser.open(url));
    await page.ready();
    await page.uploadFile('#model-file', modelPath);
    await page.until('a model that chats', () =>
        document.querySelector('#model-name').textContent.endsWith('.trit'),
    );
    await page.ready();
    const text = CHAPTER.repeat(Math.ceil(letters / CHAPTER.length)).slice(0, letters);
    const say = async (question, atOnce) => {
        await page.evaluate((script) => void (window.script = script), { text, letters: atOnce });
        await page.say(question);
    };
    for (let n = 0; n < answers; n++) await say('What do foxes know?', 5000);
    const answer = async ({ isTraced = false } = {}) => {
        const tracing = isTraced ? page.tracing : undefined;
        await page.evaluate(watch);
        await tracing?.start({ categories: ['toplevel'] });
        await say('Again, please.', 16);
        // what an answer leaves to do is done by then
        await page.evaluate(() => new Promise((resolve) => setTimeout(resolve, 300)));
        const cpuMs = tracing ? longestTask(await tracing.stop()) : null;
        const { isTold, longest, late } = await page.evaluate(() => window.watched);
        const tokens = parseInt(await page.status());
        return { tokens, longest: isTold ? longest : null, late, cpuMs };
    };
    return { page, answer };
}
