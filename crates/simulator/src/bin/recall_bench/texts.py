"""Makes data sets for `recall_bench` of texts that are no chat: `texts.py FOLDER [ROOT]`.

They are made of what Debian's packages perl-doc and python3-doc and its manual pages (Chinese and Japanese ones too) say under ROOT (`/` if it is not named), of
the settings that programs for GNOME and MATE have there, in the languages into which their words are translated, and of this project's history. Nothing of it is
kept in the project. In each set one text asks for another that does not hold it.
"""

import gettext
import json
import pathlib
import random
import re
import subprocess
import sys
from xml.etree import ElementTree

PAGES = 600
PARAGRAPHS = 8
COMMITS_A_SESSION = 15
LANGUAGES = "ar de el es fi fr hi hu it ja km ko nl pt_BR ro ru sv ta th tr zh_CN".split()
NAMES = re.compile(r"^(?:NAME|名称|命令名|名前)[^\n]*\n\s+(.+?)(?:\n\n|\n\S)", re.M | re.S)
DESCRIPTION = re.compile(r"^(?:DESCRIPTION|描述|说明|説明)[^\n]*\n(.*?)(?=^\S|\Z)", re.M | re.S)
LINE_BROKEN = re.compile(r"(?<=[\u3000-\u9fff])\s+(?=[\u3000-\u9fff])")
HEADED = re.compile(r"^(?!\s)([^\n]+\?)[ \t]*\n[-=~^]{6,}\n(.*?)(?=^(?!\s)[^\n]+\n[-=~^]{6,}\n|\Z)", re.M | re.S)


def main(folder, root="/"):
    folder, root = pathlib.Path(folder), pathlib.Path(root)
    asked = [*perl(root), *python(root)]
    whole = [[(question, ["\n\n".join(answer)], 1) for question, answer in file] for file in asked]
    parts = [[(question, answer, len(answer)) for question, answer in file] for file in asked]
    sets = {"questions-whole": whole, "questions-paragraphs": parts, "commits": commits(), "manual-pages": pages(root)}
    sets |= {f"manual-pages-{language}": pages(root, language) for language in ["zh_CN", "ja"]}
    sets |= {f"settings-{language}": found for language in ["en", *LANGUAGES] if (found := settings(root, language))}
    for name, sessions in sets.items():
        written = data_set(name, sessions)
        if not written["qa"]:
            sys.exit(f"{name}: nothing under {root} asks for anything; install perl-doc, python3-doc, man-db, manpages-zh, manpages-ja and their like")
        (folder / f"{name}.json").write_text(json.dumps([written]))
        print(f"{name}: {len(written['qa'])} questions")


def perl(root):
    """The lists of questions of perl-doc, each as pairs of a question and the paragraphs of its answer."""
    for file in sorted(root.glob("usr/share/perl/*.*.*/pod/perlfaq?.pod")):
        sections = re.split(r"^=head2 ", file.read_text("latin1"), flags=re.M)[1:]
        pairs = [re.split(r"^=head1", section, flags=re.M)[0].partition("\n\n") for section in sections]
        read = [(plain(question), [plain(text) for text in paragraphs(body) if not text.startswith(("=", "X<"))]) for question, _, body in pairs]
        yield [(question, answer) for question, answer in read if answer and "?" in question]


def plain(pod):
    """Pod without its marks, which stand in each other."""
    pod = re.sub(r"[A-Z]<<+\s?(.*?)\s?>>+", r"\1", pod, flags=re.S)
    while (less := re.sub(r"[A-Z]<([^<>]*)>", r"\1", pod)) != pod:
        pod = less
    return pod.strip()


def python(root):
    """The same of python3-doc."""
    for file in sorted(root.glob("usr/share/doc/python3.*/html/_sources/faq/*.rst.txt")):
        text = re.sub(r":\w+:`([^`]*)`", r"\1", file.read_text())
        read = [(found[1], [it for it in paragraphs(found[2]) if not it.startswith("..")]) for found in HEADED.finditer(text)]
        yield [(question, answer) for question, answer in read if answer]


def paragraphs(text):
    return [part.strip() for part in re.split(r"\n\s*\n", text) if part.strip()]


def commits():
    """Subjects that ask for the rest of their commit's message, in sessions of those of one day."""
    log = subprocess.run(["git", "log", "--reverse", "--date=short", "--format=%ad%x01%s%x01%b%x02"], capture_output=True, text=True, check=True)
    days = {}
    for commit in filter(str.strip, log.stdout.split("\x02")):
        day, subject, body = commit.strip().split("\x01")
        if len(body.strip()) > 60:
            days.setdefault(day, []).append((subject, [body.strip()], 1))
    return [day[at : at + COMMITS_A_SESSION] for day in days.values() for at in range(0, len(day), COMMITS_A_SESSION)]


def pages(root, language=""):
    """Manual pages, each a session: what stands under NAME asks for the description's first paragraph."""
    files = sorted((root / "usr/share/man" / language).glob("man[1578]/*.gz"))
    random.Random(7).shuffle(files)
    found = (page for page in map(page_of, files) if page)
    return [[page] for page, _ in zip(found, range(PAGES))]


def page_of(file):
    shown = subprocess.run(["man", "-P", "cat", str(file)], capture_output=True, text=True, env={"MANWIDTH": "200", "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"})
    name, description = NAMES.search(shown.stdout), DESCRIPTION.search(shown.stdout)
    if not name or not description:
        return None
    _, _, purpose = re.sub(r"\s+[-—–]+\s+", "\0", re.sub(r"\s+", " ", name[1]), count=1).partition("\0")
    told = [re.sub(r"[ \t]+", " ", LINE_BROKEN.sub("", part)) for part in paragraphs(description[1]) if len(part) > 40][:PARAGRAPHS]
    says_enough = len(purpose.split()) >= 4 or len(re.findall(r"[\u3041-\u9fff]", purpose)) >= 8
    return (LINE_BROKEN.sub("", purpose), told, 1) if says_enough and len(told) >= 2 else None


def settings(root, language):
    """Settings of programs: what sums one up asks for what describes it, each program a session. None where nothing is translated."""
    translated = {} if language == "en" else translations(root, language)
    asked, sessions = set(), []
    for file in sorted(root.glob("usr/share/glib-2.0/schemas/*.gschema.xml")):
        pairs = []
        for key in ElementTree.parse(file).getroot().iter("key"):
            summary, description = (" ".join((key.findtext(part) or "").split()) for part in ["summary", "description"])
            if len(description) < max(30, 1.4 * len(summary)):
                continue
            texts = [text if language == "en" else translated.get(text) for text in [summary, description]]
            if all(texts) and texts[0] != texts[1] and texts[0] not in asked:
                asked.add(texts[0])
                pairs.append((texts[0], [texts[1]], 1))
        sessions += [pairs] if pairs else []
    return sessions


def translations(root, language):
    catalogues = (gettext.GNUTranslations(file.open("rb"))._catalog for file in root.glob(f"usr/share/locale/{language}/LC_MESSAGES/*.mo"))
    return {text.strip(): said.strip() for catalogue in catalogues for text, said in catalogue.items() if isinstance(text, str) and said not in ("", text)}


def data_set(name, sessions):
    """Sessions of questions, with what they ask for and how many of the first texts of that are evidence, in LoCoMo's form."""
    conversation, asked = {}, []
    for number, session in enumerate(sessions, 1):
        turns = []
        for question, texts, telling in session:
            names = [f"D{number}:{len(turns) + place}" for place in range(1, len(texts) + 1)]
            turns += [{"speaker": "assistant", "dia_id": turn, "text": text} for turn, text in zip(names, texts)]
            asked.append({"question": question, "evidence": names[:telling], "category": 1})
        conversation[f"session_{number}"] = turns
        conversation[f"session_{number}_date_time"] = f"2023-05-{number % 28 + 1:02}T{number % 12 + 8:02}:00:00"
    return {"sample_id": name, "conversation": conversation, "qa": asked}


if __name__ == "__main__":
    main(*sys.argv[1:])
