"""The language of messages: of a call, and of the command line."""

import json
import re
import threading

import ftp
import lizsync
import pytest
from databases import temporary, variable
from lizsync import language
from test_ftp import get, places  # noqa: F401

FRENCH = {"LC_ALL": None, "LC_MESSAGES": None, "LANG": "fr_FR.UTF-8", "LANGUAGE": None}


@pytest.fixture
def in_french():
    language.use("fr")
    yield
    language.use("")


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, ""),
        ({"LANG": "fr_FR.UTF-8"}, "fr"),
        ({"LANG": "fr"}, "fr"),
        ({"LANG": "fr_CA@euro"}, "fr"),
        ({"LANG": "fr_FR.UTF-8", "LC_MESSAGES": "en_GB.UTF-8"}, "en"),
        ({"LANG": "en_GB.UTF-8", "LC_MESSAGES": "fr_FR.UTF-8"}, "fr"),
        ({"LANG": "fr_FR.UTF-8", "LC_MESSAGES": "fr_FR", "LC_ALL": "C.UTF-8"}, ""),
        ({"LANG": "C", "LC_MESSAGES": "C", "LC_ALL": "fr_FR.UTF-8"}, "fr"),
        ({"LANG": "fr_FR.UTF-8", "LC_ALL": ""}, "fr"),
        ({"LANG": "fr_FR.UTF-8", "LANGUAGE": "en:fr"}, "en"),
        ({"LANG": "en_GB.UTF-8", "LANGUAGE": "xx:fr:en"}, "fr"),
        ({"LANG": "fr_FR.UTF-8", "LANGUAGE": "xx"}, "fr"),
        ({"LANG": "C", "LANGUAGE": "fr"}, ""),
        ({"LANGUAGE": "fr"}, ""),
        ({"LANG": "xx_XX.UTF-8"}, ""),
        ({"LANG": "../../fr"}, ""),
    ],
)
def test_the_environment_says_which(environment, expected):
    assert language.of_environment(environment) == expected
    language.use(language.of_environment(environment))
    assert language.code() == ("fr" if expected == "fr" else "")
    language.use("")


def test_the_command_line_speaks_french(cli):
    done = cli("--help", **FRENCH)
    assert done.returncode == 0
    for text in (
        "utilisation\u00a0: ",
        "Édition hors ligne",
        "afficher cette aide",
        "lister les traitements",
        "Code de",
    ):
        assert text in done.stdout
    done = cli("list", **FRENCH)
    assert "01 Installation" in done.stdout and "Synchroniser les bases dans les deux sens" in done.stdout
    done = cli("describe", "synchronize_database", **FRENCH)
    for text in ("Paramètres", "Sorties", "Connexion PostgreSQL au", "Conflits enregistrés", "facultatif", "booléen"):
        assert text.replace(" au", "") in done.stdout
    done = cli("run", "nothing", **FRENCH)
    assert done.returncode == 2 and "Il n’existe pas de traitement «\u00a0nothing\u00a0»." in done.stderr
    assert done.stderr.startswith("Erreur\u00a0: ")
    done = cli("run", "synchronize_database", "A=1", "A=2", **FRENCH)
    assert "est donné deux fois" in done.stderr
    done = cli("nonsense", **FRENCH)
    assert done.returncode == 1 and "nonsense" not in done.stderr
    assert "utilisation\u00a0:" in done.stderr and "erreur\u00a0:" in done.stderr and "choix invalide" in done.stderr


def test_no_english_is_left_in_what_it_describes(cli):
    english = {line for entry in lizsync.algorithms() for line in texts_of(entry)}
    for entry in lizsync.algorithms():
        shown = cli("describe", entry["id"], **FRENCH).stdout
        joined = " ".join(shown.split())
        for text in english & set(texts_of(entry)):
            assert " ".join(text.split()) not in joined, text


def texts_of(entry):
    """The texts of an entry that are words, in one language only."""
    found = [entry["label"], *entry["help"].split("\n")]
    found += [part["label"] for part in entry["parameters"] + entry["outputs"]]
    return [text for text in found if len(text) > 12]


def test_keys_of_json_and_the_registry_stay(cli):
    assert json.loads(cli("list", "--json", **FRENCH).stdout) == lizsync.algorithms()
    done = cli("run", "synchronize_database", "--json", **FRENCH)
    outputs = json.loads(done.stdout)
    assert set(outputs) == {"OUTPUT_STATUS", "OUTPUT_STRING", "error"}
    assert outputs["error"]["kind"] == "parameter" and outputs["error"]["hint"] == "Lui donner une valeur."
    assert "CONNECTION_NAME_CENTRAL (Connexion PostgreSQL à la base centrale) manque" in outputs["OUTPUT_STRING"]


def failure(**parameters):
    with pytest.raises(lizsync.LizsyncError) as caught:
        lizsync.run("synchronize_database", {"CONNECTION_NAME_CENTRAL": "nowhere", **parameters})
    return str(caught.value)


def test_the_language_is_one_of_the_call():
    for code in ("fr", "fr_FR", "fr-CA", "FR"):
        assert "manque" in failure(language=code)
    for code in (None, "", "en", "en_GB", "xx", "français"):
        assert "is missing" in failure(language=code)
    assert "is missing" in failure()
    # Who asks for a language in a wrong way gets an answer in English.
    for wrong in (1, True, ["fr"], {}):
        assert "“language” must be a text" in failure(language=wrong)


class Heard:
    def __init__(self):
        self.texts = []

    def message(self, level, text):
        if level != "debug":
            self.texts.append(text)


@pytest.fixture
def pair():
    """A central with trees, and a clone that was deployed from it."""
    with temporary("python") as central, temporary("python") as clone:
        central.query(
            "CREATE SCHEMA gis; CREATE TABLE gis.tree (id serial PRIMARY KEY, code text UNIQUE, name text);"
            "INSERT INTO gis.tree (code, name) SELECT i::text, 'tree ' || i FROM generate_series(1, 5) AS i"
        )
        yield central, clone


def chain(pair, archive, heard, code):
    """Everything from the installation to the deployment; the sentences."""
    central, clone = ({"CONNECTION_NAME_" + name: each.conninfo} for name, each in zip(("CENTRAL", "CLONE"), pair))
    package = {"ZIP_FILE": str(archive), "POSTGRESQL_BINARY_PATH": variable("LIZSYNC_TEST_BIN")}
    steps = [
        ("create_database_structure", {"CONNECTION_NAME": pair[0].conninfo}),
        ("initialize_central_database", {**central, "SCHEMAS": "gis"}),
        ("package_master_database", {**central, **package, "SCHEMAS": "gis"}),
        ("deploy_database_server_package", {**central, **clone, "ZIP_FILE": str(archive)}),
    ]
    return [lizsync.run(name, {**given, "language": code}, heard)["OUTPUT_STRING"] for name, given in steps]


ENGLISH = re.compile(r"\b(the|is|was|were|has|have|of|and|with|not|cannot|it|in|to|from)\b")


def english_in(texts):
    """The texts with English words beside the names of files."""
    return [text for text in texts if ENGLISH.search(re.sub(r"\S*/\S*", "", text))]


def test_a_whole_run_is_french_with_its_conflict_and_what_is_set_aside(pair, tmp_path):
    heard = Heard()
    sentences = chain(pair, tmp_path / "a.zip", heard, "fr_FR")
    assert "est installé dans la base «" in sentences[0] and "«\u00a0Préparer la base centrale\u00a0»" in sentences[0]
    assert "1 table a reçu un uid" in sentences[1]
    assert "1 schéma, 1 table et 5 lignes" in sentences[2]
    assert "a été déployé sur le clone" in sentences[3]
    central, clone = pair
    clone.query("UPDATE gis.tree SET name = 'elm' WHERE id = 1; INSERT INTO gis.tree (code) VALUES ('same')")
    central.query("UPDATE gis.tree SET name = 'oak' WHERE id = 1; INSERT INTO gis.tree (code) VALUES ('same')")
    given = {"CONNECTION_NAME_CENTRAL": central.conninfo, "CONNECTION_NAME_CLONE": clone.conninfo, "language": "fr"}
    outputs = lizsync.run("synchronize_database", given, heard)
    assert outputs["CONFLICTS"] == 1 and outputs["SET_ASIDE"] == 2
    assert "1 conflit enregistré dans lizsync.conflicts" in outputs["OUTPUT_STRING"]
    assert "0 ligne dans la base centrale\u00a0; 1 conflit" in outputs["OUTPUT_STRING"]
    assert "2 modifications mises de côté" in outputs["OUTPUT_STRING"]
    aside = [text for text in heard.texts if text.startswith("Mis de côté\u00a0: gis.tree")]
    assert len(aside) == 2
    assert english_in([*sentences, outputs["OUTPUT_STRING"], *heard.texts]) == []
    # Who looks into the table reads the language of the run.
    told = clone.query("SELECT DISTINCT message FROM lizsync.set_aside WHERE owner = 'central'")
    assert told and not ENGLISH.search(told)
    # A failure.
    with pytest.raises(lizsync.LizsyncError) as caught:
        lizsync.run("synchronize_database", {**given, "CONNECTION_NAME_CLONE": central.conninfo})
    assert "désignent la même base" in str(caught.value) and english_in([str(caught.value)]) == []


def test_an_ftp_failure_is_french(places):  # noqa: F811
    root, here = places
    (root / "projects" / "a.qgs").write_text("a")
    heard = Heard()
    with ftp.Server(root) as server:
        with pytest.raises(lizsync.LizsyncError) as caught:
            get(server, here, heard, CENTRAL_FTP_PASSWORD="wrong", language="fr")
        outputs = get(server, here, heard, language="fr")
    assert "refuse l’identifiant" in str(caught.value) and "Vérifier l’identifiant" in caught.value.hint
    assert "1 fichier (1 octet) a été récupéré du serveur FTP" in outputs["OUTPUT_STRING"]
    assert english_in([outputs["OUTPUT_STRING"], *heard.texts]) == []
    with pytest.raises(lizsync.LizsyncError) as caught:
        get(server, here, language="fr")
    assert "aucun service n’écoute sur" in str(caught.value)


def test_two_threads_speak_two_languages_at_once(tmp_path):
    """Each waits at every message until the other has one too, as long as the other runs."""
    both, running = threading.Barrier(2), [True, True]
    found = {}

    class Slow(Heard):
        def message(self, level, text):
            super().message(level, text)
            if all(running):
                try:
                    both.wait(5)
                except threading.BrokenBarrierError:
                    both.reset()

    def work(number, code):
        heard = Slow()
        try:
            with temporary("python") as central, temporary("python") as clone:
                central.query("CREATE SCHEMA gis; CREATE TABLE gis.tree (id serial PRIMARY KEY, name text)")
                found[code] = chain((central, clone), tmp_path / f"{number}.zip", heard, code), heard.texts
        finally:
            running[number] = False
            both.abort()

    threads = [threading.Thread(target=work, args=pair) for pair in enumerate(("fr", "en"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert english_in([*found["fr"][0], *found["fr"][1]]) == []
    assert all(ENGLISH.search(text) or "Creating" in text for text in found["en"][0])
    assert len(found["fr"][1]) == len(found["en"][1]) > 5


def test_texts_of_the_package_follow_the_language(in_french, monkeypatch, tmp_path):
    monkeypatch.setenv("LIZSYNC_LIBRARY", str(tmp_path / "none"))
    from lizsync import native

    with pytest.raises(lizsync.LizsyncError, match="est introuvable dans"):
        native.path()
