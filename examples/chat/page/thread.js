/** @typedef {import('./conversation.js').Story} Story */

/** The messages as they are seen. What models write is text, never markup. */
export class Thread {
    #list;

    /** @param {HTMLElement} list */
    constructor(list) {
        this.#list = list;
    }

    /** @param {Story} story */
    add(story) {
        const item = document.createElement('li');
        const begun = document.createElement('span');
        const told = document.createElement('span');
        begun.className = 'begun';
        begun.textContent = story.begun;
        item.append(begun, told);
        this.#list.append(item);
        item.scrollIntoView({ block: 'end' });
        return {
            update: () => {
                told.textContent = story.told;
                item.scrollIntoView({ block: 'end' });
            },
        };
    }

    clear() {
        this.#list.replaceChildren();
    }
}
