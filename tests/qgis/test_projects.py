"""Projects that QGIS writes are adapted, and opened again in QGIS.

Three databases on the test server are alike but for their rows: the central, the clone, and one that has
nothing to do with them. A project with a source of the central in every place and form that QGIS knows is
adapted by `adapt_projects.rs`; then every layer has to be valid and show the clone's rows, and nothing of
the central's credentials may be left in the file.
"""

import itertools
import os
import pathlib
import random
import subprocess
import urllib.parse
import zipfile
from xml.etree import ElementTree
from xml.sax.saxutils import escape

import pytest
from qgis.core import (
    QgsApplication,
    QgsDataSourceUri,
    QgsEditorWidgetSetup,
    QgsExpressionContextUtils,
    QgsLayoutFrame,
    QgsLayoutItemAttributeTable,
    QgsLayoutItemLegend,
    QgsLayoutItemMap,
    QgsPrintLayout,
    QgsProject,
    QgsProviderRegistry,
    QgsRasterLayer,
    QgsRelation,
    QgsVectorLayer,
    QgsVirtualLayerDefinition,
)

ROOT = pathlib.Path(__file__).resolve().parents[2]
ROWS = {"central": 3, "clone": 5, "other": 7}
AUTHCFG = "cfg1234"
TITLE = "dbname='{central}' host=localhost is what dbname='{central}' says"
NUMBERS = itertools.count()

# Each word is one that stands nowhere else in a project.
PASSWORDS = [
    "plain-sesame",
    "open sesame 'the door' now",
    "back\\slash \\' and \\\\end\\",
    "<tag> & \"quoted\" 100% %41 'single'",
    "élan vital ñandú 木の実",
    "primo host=nowhere dbname='nothing' key=password",
    'beginning key=\'unclosed table="there0" (there1)',
]

# A source stands in each of these.
PLACES = [
    "<datasource>dbname=",
    "<datasource>?layer=postgres:dbname%3D",
    "<datasource>?layer=virtual:%3Flayer%3Dpostgres%3Adbname%253D",
    "<datasource>PG:",
    "<datasource>PG: ",
    "authcfg=" + AUTHCFG,
    "<layer-tree-layer ",
    "<referencedLayers>",
    'name="LayerSource"',
    'name="ReferencedLayerDataSource"',
    "<LayerSet>",
    "<LayerStyle ",
    "coverageLayerSource=",
    "vectorLayerSource=",
    'name="remoteSource"',
    "<variableValues ",
    'name="variableValues"',
]

TABLES = """
CREATE EXTENSION postgis;
CREATE EXTENSION postgis_raster;
CREATE TABLE species (code text PRIMARY KEY, label text);
INSERT INTO species VALUES ('oak', 'Oak'), ('elm', 'Elm');
CREATE TABLE trees (id integer PRIMARY KEY, name text, species text REFERENCES species, geom geometry(Point, 4326));
INSERT INTO trees SELECT n, 'tree ' || n, 'oak', ST_SetSRID(ST_MakePoint(n, n), 4326) FROM generate_series(1, {rows}) n;
CREATE TABLE photo (rid integer PRIMARY KEY, rast raster);
INSERT INTO photo VALUES (1, ST_AddBand(
    ST_MakeEmptyRaster(16, 16, 0, 0, 1, -1, 0, 0, 4326), 1, '8BUI'::text, {rows}, 0));
SELECT AddRasterConstraints('photo'::name, 'rast'::name);
"""


def psql(sql, database="postgres"):
    done = subprocess.run(
        [
            str(pathlib.Path(os.environ["LIZSYNC_TEST_BIN"]) / "psql"),
            "-XqAt",
            "-v",
            "ON_ERROR_STOP=1",
            f"host={os.environ['LIZSYNC_TEST_SOCKET']} port={os.environ['LIZSYNC_TEST_PORT']}"
            f" user=postgres dbname={database}",
        ],
        input=sql,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr


def quoted(text):
    """A value of a connection string."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


@pytest.fixture(scope="module", autouse=True)
def application():
    """QGIS, which other tests of this process may have started."""
    running = QgsApplication.instance()
    if running is None:
        QgsApplication.setPrefixPath("/usr", True)
        running = QgsApplication([], False)
        running.initQgis()
    assert "postgres" in QgsProviderRegistry.instance().providerList()
    QgsApplication.messageLog().messageReceived.connect(lambda text, *_: print("QGIS:", text))
    yield running
    QgsProject.instance().clear()


@pytest.fixture(scope="module")
def adapt():
    """Runs the adaptation; returns the numbers of projects, changed ones, sources and problems."""
    built = subprocess.run(
        ["cargo", "build", "--quiet", "--example", "adapt_projects"],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
    )
    assert built.returncode == 0, built.stderr
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))

    def run(*arguments):
        program = target / "debug" / "examples" / "adapt_projects"
        done = subprocess.run([str(program), *map(str, arguments)], capture_output=True, encoding="utf-8", check=False)
        assert done.returncode == 0, done.stderr
        return [int(number) for number in done.stdout.split()]

    return run


class Side:
    """A database with a role of its own."""

    def __init__(self, name, database, user, password):
        self.name = name
        self.database = database
        self.user = user
        self.password = password
        self.host = "localhost"
        self.port = os.environ["LIZSYNC_TEST_PORT"]

    @property
    def conninfo(self):
        values = {"dbname": self.database, "user": self.user, "password": self.password}
        pairs = " ".join(f"{key}={quoted(value)}" for key, value in values.items())
        return f"host={self.host} port={self.port} {pairs}"

    def uri(self, table="trees", geometry="geom", key="id", sql=""):
        uri = QgsDataSourceUri()
        uri.setConnection(self.host, self.port, self.database, self.user, self.password)
        uri.setDataSource("" if table.startswith("(") else "public", table, geometry, sql, key)
        return uri.uri(False)


@pytest.fixture(scope="module")
def databases():
    """The names of the three databases."""
    names = {side: f"{side}_{os.getpid()}" for side in ROWS}
    for side, name in names.items():
        psql(f'CREATE DATABASE "{name}"')
        psql(TABLES.format(rows=ROWS[side]), quoted(name))
    yield names
    QgsProject.instance().clear()
    for name in names.values():
        psql(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture
def side(databases):
    """Makes a side with a role of this password."""
    made = []

    def make(name, password):
        # GDAL reads no quote in a name, but nobody opens the central with it.
        user = f"an'na of {name} {next(NUMBERS)}" if name == "central" else f"{name}_{next(NUMBERS)}"
        literal = password.replace("'", "''")
        psql(f"""CREATE ROLE "{user}" SUPERUSER LOGIN PASSWORD '{literal}'""")
        made.append(user)
        return Side(name, databases[name], user, password)

    yield make
    QgsProject.instance().clear()
    for user in made:
        psql(f'DROP ROLE "{user}"')


def ogr(side, tail="|layername=trees"):
    return "PG:" + side.conninfo + tail


def layers(central):
    """A layer in every form, by name; of the last ones QGIS itself does not take every password."""
    sql = "\"name\" <> 'host=localhost dbname=x'"
    made = {
        "trees": QgsVectorLayer(central.uri(), "trees", "postgres"),
        "filtered": QgsVectorLayer(central.uri(sql=sql), "filtered", "postgres"),
        "species": QgsVectorLayer(central.uri("species", None, "code"), "species", "postgres"),
        "query": QgsVectorLayer(central.uri('(SELECT *, \'a)"b\' AS "x" FROM trees)'), "query", "postgres"),
        "postgresraster": QgsRasterLayer(central.uri("photo", "rast", "rid"), "postgresraster", "postgresraster"),
    }
    for name, source, provider in [
        ("virtual", central.uri(), "postgres"),
        ("nested", None, "virtual"),
    ]:
        definition = QgsVirtualLayerDefinition()
        definition.addSource("t", source or made["virtual"].source(), provider)
        definition.setQuery("SELECT * FROM t")
        made[name] = QgsVectorLayer(definition.toString(), name, "virtual")
    made["ogr"] = QgsVectorLayer(ogr(central), "ogr", "ogr")
    options = f"{central.conninfo} schema='public' table='photo' column='rast' mode=2"
    made["gdal"] = QgsRasterLayer("PG: " + options, "gdal", "gdal")
    # The credentials are in the authentication database of another machine.
    uri = QgsDataSourceUri(central.uri())
    uri.setUsername("")
    uri.setPassword("")
    uri.setAuthConfigId(AUTHCFG)
    made["authcfg"] = QgsVectorLayer(uri.uri(False), "authcfg", "postgres")
    return made


def fill(project, central, other):
    """Puts sources of the central into every place of a project."""
    project.setTitle(TITLE.format(central=central.database))
    made = layers(central)
    for name, layer in made.items():
        if name not in ("gdal", "ogr", "authcfg"):
            assert layer.isValid(), (name, layer.error().message())
        layer.setAbstract(TITLE.format(central=central.database))
        project.addMapLayer(layer)
    foreign = QgsVectorLayer(other.uri(), "foreign", "postgres")
    assert foreign.isValid()
    project.addMapLayer(foreign)
    offline = QgsVectorLayer("Point?crs=EPSG:4326", "offline", "memory")
    offline.setCustomProperty("remoteSource", central.uri())
    offline.setCustomProperty("remoteProvider", "postgres")
    project.addMapLayer(offline)

    trees, species = made["trees"], made["species"]
    relation = QgsRelation()
    relation.setId("of_species")
    relation.setName(TITLE.format(central=central.database))
    relation.setReferencedLayer(species.id())
    relation.setReferencingLayer(trees.id())
    relation.addFieldPair("species", "code")
    project.relationManager().addRelation(relation)
    value = {
        "Layer": species.id(),
        "LayerName": species.name(),
        "LayerProviderName": "postgres",
        "LayerSource": species.publicSource(),
        "Key": "code",
        "Value": "label",
    }
    trees.setEditorWidgetSetup(2, QgsEditorWidgetSetup("ValueRelation", value))
    reference = {
        "Relation": "of_species",
        "ReferencedLayerDataSource": species.publicSource(),
        "ReferencedLayerId": species.id(),
        "ReferencedLayerName": species.name(),
        "ReferencedLayerProviderKey": "postgres",
    }
    made["filtered"].setEditorWidgetSetup(2, QgsEditorWidgetSetup("RelationReference", reference))

    QgsExpressionContextUtils.setProjectVariable(project, "a_source", central.uri())
    QgsExpressionContextUtils.setProjectVariable(project, "a_conninfo", central.conninfo)
    QgsExpressionContextUtils.setProjectVariable(project, "a_sentence", "see dbname='x' host=y")
    QgsExpressionContextUtils.setLayerVariable(trees, "of_layer", central.uri())

    layout = QgsPrintLayout(project)
    layout.initializeDefaults()
    layout.setName("plan")
    shown = QgsLayoutItemMap(layout)
    shown.setLayers([trees, made["virtual"], made["ogr"], made["postgresraster"]])
    shown.setKeepLayerSet(True)
    shown.storeCurrentLayerStyles()
    shown.setKeepLayerStyles(True)
    layout.addLayoutItem(shown)
    legend = QgsLayoutItemLegend(layout)
    layout.addLayoutItem(legend)
    legend.setAutoUpdateModel(False)
    table = QgsLayoutItemAttributeTable.create(layout)
    layout.addMultiFrame(table)
    table.setVectorLayer(trees)
    table.addFrame(QgsLayoutFrame(layout, table))
    layout.atlas().setEnabled(True)
    layout.atlas().setCoverageLayer(trees)
    project.layoutManager().addLayout(layout)
    QgsExpressionContextUtils.setLayoutVariable(layout, "of_layout", central.uri())


def text_of(path):
    """The XML of a project."""
    if path.suffix == ".qgs":
        return path.read_text(encoding="utf-8")
    with zipfile.ZipFile(path) as archive:
        name = next(name for name in archive.namelist() if name.endswith(".qgs"))
        return archive.read(name).decode("utf-8")


def forms(secret):
    """The ways in which a text may stand in a project."""
    texts = {secret, quoted(secret)[1:-1]}
    encodings = [
        lambda text: escape(text),
        lambda text: escape(text, {'"': "&quot;"}),
        lambda text: escape(text, {'"': "&quot;", "'": "&apos;"}),
        lambda text: urllib.parse.quote(text, safe=""),
        lambda text: urllib.parse.quote(urllib.parse.quote(text, safe=""), safe=""),
        lambda text: urllib.parse.quote(text, safe="'()*!"),
    ]
    return texts | {encoding(text) for text in texts for encoding in encodings}


def traces(text, side):
    """What a text holds of the credentials of a side: whole, or the words of which they consist."""
    secrets = [side.password, side.user, AUTHCFG]
    secrets += [word for word in side.password.split() if len(word) > 4 and not word.startswith(("table=", "key="))]
    return [form for secret in secrets for form in forms(secret) if form in text]


def check(project, clone, central):
    """Every layer is valid, and those of the central show the clone."""
    for layer in project.mapLayers().values():
        name = layer.name()
        assert layer.isValid(), (name, layer.error().message())
        if name == "foreign":
            assert layer.featureCount() == ROWS["other"]
        elif isinstance(layer, QgsRasterLayer):
            assert layer.dataProvider().sample(layer.extent().center(), 1)[0] == ROWS["clone"], name
        elif name == "species":
            assert layer.featureCount() == 2
        elif name != "offline":
            assert sum(1 for _ in layer.getFeatures()) == ROWS["clone"], name
    trees = project.mapLayersByName("trees")[0]
    uri = QgsDataSourceUri(trees.source())
    assert (uri.database(), uri.username(), uri.password()) == (clone.database, clone.user, clone.password)
    project_scope = QgsExpressionContextUtils.projectScope(project)
    for source in [
        project_scope.variable("a_source"),
        QgsExpressionContextUtils.layerScope(trees).variable("of_layer"),
        project.mapLayersByName("offline")[0].customProperty("remoteSource"),
    ]:
        assert QgsVectorLayer(source, "again", "postgres").featureCount() == ROWS["clone"]
    assert project_scope.variable("a_sentence") == "see dbname='x' host=y"
    assert project.title() == trees.abstract() == TITLE.format(central=central.database)
    config = trees.editorWidgetSetup(2).config()
    assert config["LayerSource"] == project.mapLayer(config["Layer"]).publicSource()
    layout = project.layoutManager().layoutByName("plan")
    assert layout.atlas().coverageLayer() == trees
    shown = next(item for item in layout.items() if isinstance(item, QgsLayoutItemMap))
    assert len(shown.layers()) == 4


@pytest.mark.parametrize("password", PASSWORDS)
@pytest.mark.parametrize("ending", ["qgs", "qgz"])
def test_every_form_in_every_place(tmp_path, side, adapt, password, ending):
    central, clone, other = side("central", password), side("clone", "key2"), side("other", "unrelated-word")
    path = tmp_path / f"plan é.{ending}"
    project = QgsProject.instance()
    fill(project, central, other)
    assert project.write(str(path))
    before = text_of(path)
    assert traces(before, central)
    for place in PLACES:
        assert place in before
    project.clear()

    projects, changed, sources, problems = adapt(tmp_path, central.conninfo, clone.conninfo)
    assert (projects, changed, problems) == (1, 1, 0)
    assert sources > 40
    after = text_of(path)
    assert traces(after, central) == []
    title = TITLE.format(central=central.database)
    assert after.count(title) == before.count(title) > 10
    assert central.database not in after.replace(title, "")
    assert after.count(other.password) == before.count(other.password)
    assert adapt(tmp_path, central.conninfo, clone.conninfo)[1:] == [0, 0, 0]

    assert project.read(str(path))
    check(project, clone, central)
    # What QGIS remembers it saves again.
    again = tmp_path / "again.qgs"
    assert project.write(str(again))
    assert traces(text_of(again), central) == []
    project.clear()


@pytest.mark.parametrize("password", ['it\'s a "clone" 100% \\ é & <x>', "plain-clone"])
def test_the_clone_may_have_any_password(tmp_path, side, adapt, password):
    central, clone = side("central", "open sesame"), side("clone", password)
    project = QgsProject.instance()
    for name, layer in layers(central).items():
        # GDAL does not read every password.
        if name not in ("gdal", "ogr"):
            project.addMapLayer(layer)
    path = tmp_path / "plan.qgs"
    assert project.write(str(path))
    project.clear()
    adapt(tmp_path, central.conninfo, clone.conninfo)
    assert traces(text_of(path), central) == []
    assert project.read(str(path))
    for layer in project.mapLayers().values():
        assert layer.isValid(), layer.name()
        if layer.name().startswith(("trees", "virtual")):
            assert sum(1 for _ in layer.getFeatures()) == ROWS["clone"]
    project.clear()


def test_services(tmp_path, side, adapt, monkeypatch):
    central, clone = side("central", "open-sesame"), side("clone", "clone-sesame")
    services = tmp_path / "services"
    lines = []
    for it in (central, clone):
        lines += [f"[{it.name}]", f"host={it.host}", f"port={it.port}", f"dbname={it.database}"]
        lines += [f"user={it.user}", f"password={it.password}"]
    services.write_text("\n".join(lines) + "\n", encoding="utf-8")
    monkeypatch.setenv("PGSERVICEFILE", str(services))
    project = QgsProject.instance()
    uri = QgsDataSourceUri()
    uri.setConnection("central", "", "", "")
    uri.setDataSource("public", "trees", "geom", "", "id")
    project.addMapLayer(QgsVectorLayer(uri.uri(False), "by service", "postgres"))
    project.addMapLayer(QgsVectorLayer("PG:service=central|layername=trees", "ogr", "ogr"))
    project.addMapLayer(QgsVectorLayer(central.uri(), "by host", "postgres"))
    assert all(layer.isValid() for layer in project.mapLayers().values())
    path = tmp_path / "plan.qgs"
    assert project.write(str(path))
    project.clear()
    assert adapt(tmp_path, "central", "clone")[1] == 1
    assert traces(text_of(path), central) == []
    assert project.read(str(path))
    for layer in project.mapLayers().values():
        assert layer.featureCount() == ROWS["clone"], layer.name()
        assert "service=" in layer.source()
    project.clear()
    path.write_text(path.read_text(encoding="utf-8").replace("service='clone'", "service='central'"), encoding="utf-8")
    adapt(tmp_path, "central")
    assert "service='geopoppy'" in text_of(path)


def odd_sources(numbers):
    """Sources as people and programs write them: any order, quotes, spaces, and words that are none."""
    values = ["gis", "central", "5432", "a b", "it's", "x=y", "\\", "é", "", "o\\'k", '"q"', "(g)", "%41"]

    def value(text):
        style = numbers.randrange(4)
        if style == 0:
            return text
        quote = "'\"'"[style - 1]
        return quote + text.replace("\\", "\\\\").replace(quote, "\\" + quote) + quote

    def piece():
        key = numbers.choice(
            ["dbname", "host", "port", "user", "password", "key", "service", "srid", "odd", "username"]
        )
        equals = numbers.choice(["=", "=", "=", " = ", "= "])
        return numbers.choice([key + equals + value(numbers.choice(values)), "stray", "="])

    for _ in range(3000):
        pieces = [piece() for _ in range(numbers.randrange(4))]
        if numbers.randrange(5):
            pieces += ["dbname=" + value("gis"), "host=" + value("central")]
        numbers.shuffle(pieces)
        table = numbers.choice(
            [
                "",
                'table="s"."t" (a dbname=b host=c)',
                'table="(select \\"a\\")" (g\\)x)',
                "table=s.t",
                "table = 's'.\"t\"(g)",
            ]
        )
        sql = numbers.choice(["", "sql=", "sql=host='x' and \\"])
        yield numbers.choice([" ", "  ", "\t"]).join([*pieces, *[part for part in (table, sql) if part]])


def test_odd_sources_are_read_as_qgis_reads_them(tmp_path, adapt):
    sources = list(odd_sources(random.Random(6)))
    root = ElementTree.Element("qgis")
    for number, source in enumerate(sources):
        layer = ElementTree.SubElement(root, "maplayer")
        ElementTree.SubElement(layer, "id").text = f"layer_{number}"
        ElementTree.SubElement(layer, "datasource").text = source
        ElementTree.SubElement(layer, "provider").text = "postgres"
    path = tmp_path / "odd.qgs"
    ElementTree.ElementTree(root).write(path, encoding="utf-8")
    adapt(tmp_path, "host=central dbname=gis user=somebody", "host=tablet dbname=field user=bob password='a b'")
    adapted = [element.text or "" for element in ElementTree.parse(path).iter("datasource")]
    assert len(adapted) == len(sources)
    replaced = 0
    for before, after in zip(sources, adapted):
        old, new = QgsDataSourceUri(before), QgsDataSourceUri(after)
        # Without a name, libpq takes the database that is called as the user.
        central = (old.database() or old.username(), old.host(), old.service()) == ("gis", "central", "")
        if not (central and old.port() in ("", "5432")):
            assert after == before
            continue
        replaced += 1
        found = (new.host(), new.port(), new.database(), new.username(), new.password(), new.service())
        assert found == ("tablet", "5432", "field", "bob", "a b", ""), (before, after)
        for part in ("schema", "table", "geometryColumn", "keyColumn", "sql", "srid"):
            assert getattr(new, part)() == getattr(old, part)(), (before, after)
        assert new.param("odd") == old.param("odd"), (before, after)
    assert replaced > 500
