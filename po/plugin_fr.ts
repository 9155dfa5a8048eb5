<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE TS>
<TS version="2.1" language="fr" sourcelanguage="en">
<context>
    <name>LizSync</name>
    <message>
        <source>Canceled.</source>
        <translation>Annulé.</translation>
    </message>
    <message>
        <source>the authentication system of QGIS is switched off ({why})</source>
        <translation>le système d’authentification de QGIS est désactivé ({why})</translation>
    </message>
    <message>
        <source>See the settings of QGIS.</source>
        <translation>Voir les options de QGIS.</translation>
    </message>
    <message>
        <source>its authentication configuration “{id}” is locked: the master password was not given</source>
        <translation>sa configuration d’authentification «&#xa0;{id}&#xa0;» est verrouillée&#xa0;: le mot de passe principal n’a pas été donné</translation>
    </message>
    <message>
        <source>Edit the connection in QGIS, and choose another one.</source>
        <translation>Modifier la connexion dans QGIS, et en choisir une autre.</translation>
    </message>
    <message>
        <source>The connection “{name}” cannot be used: {what}.</source>
        <translation>La connexion «&#xa0;{name}&#xa0;» ne peut pas être utilisée&#xa0;: {what}.</translation>
    </message>
    <message>
        <source>Models</source>
        <translation>Modèles</translation>
    </message>
    <message>
        <source>Prepare and package</source>
        <translation>Préparer et mettre en paquet</translation>
    </message>
    <message>
        <source>Prepares schemas of the central database, and packages them for clones.</source>
        <translation>Prépare des schémas de la base centrale et les met en paquet pour des clones.</translation>
    </message>
    <message>
        <source>Prepares the schemas of a central database on which LizSync is installed (a uid for each row, the capture of changes), and packages them for clones. Run it again when tables were added.
It stops where a step fails.</source>
        <translation>Prépare les schémas d’une base centrale où LizSync est installé (un uid pour chaque ligne, la capture des modifications) et les met en paquet pour des clones. À relancer quand des tables ont été ajoutées.
Le modèle s’arrête à l’étape qui échoue.</translation>
    </message>
    <message>
        <source>LizSync must be installed on this database</source>
        <translation>LizSync doit être installé dans cette base</translation>
    </message>
    <message>
        <source>Schemas to prepare and package, separated by commas</source>
        <translation>Schémas à préparer et à empaqueter, séparés par des virgules</translation>
    </message>
    <message>
        <source>SQL file to run in the clone after the deployment</source>
        <translation>Fichier SQL à exécuter dans le clone après le déploiement</translation>
    </message>
    <message>
        <source>The package that the clones get</source>
        <translation>Le paquet que reçoivent les clones</translation>
    </message>
    <message>
        <source>Deploy, synchronise, send media</source>
        <translation>Déployer, synchroniser, envoyer les médias</translation>
    </message>
    <message>
        <source>Deploys a package to a clone, synchronises it, and sends its photos and files to the central FTP server.</source>
        <translation>Déploie un paquet sur un clone, le synchronise et envoie ses photos et ses fichiers au serveur FTP central.</translation>
    </message>
    <message>
        <source>Deploys a package to a clone, synchronises the clone with the central database, and sends what is new in the media subfolder of its projects to the central FTP server.
It stops where a step fails: nothing is sent when the synchronisation fails.</source>
        <translation>Déploie un paquet sur un clone, synchronise le clone avec la base centrale et envoie au serveur FTP central ce qui est nouveau dans le sous-dossier media de ses projets.
Le modèle s’arrête à l’étape qui échoue&#xa0;: rien n’est envoyé si la synchronisation échoue.</translation>
    </message>
    <message>
        <source>The package that was made from the central database</source>
        <translation>Le paquet fait à partir de la base centrale</translation>
    </message>
    <message>
        <source>What is sent is its subfolder media/upload</source>
        <translation>Son sous-dossier media/upload est envoyé</translation>
    </message>
    <message>
        <source>Never saved</source>
        <translation>Jamais enregistré</translation>
    </message>
    <message>
        <source>All files</source>
        <translation>Tous les fichiers</translation>
    </message>
    <message>
        <source>{extension} files</source>
        <translation>Fichiers {extension}</translation>
    </message>
    <message>
        <source>A password of an earlier session is not kept.</source>
        <translation>Un mot de passe d’une session précédente n’est pas conservé.</translation>
    </message>
    <message>
        <source>Type it again.</source>
        <translation>Le saisir de nouveau.</translation>
    </message>
    <message>
        <source>Password</source>
        <translation>Mot de passe</translation>
    </message>
    <message>
        <source>A password, which is neither shown nor saved.</source>
        <translation>Un mot de passe, qui n’est ni affiché ni enregistré.</translation>
    </message>
    <message>
        <source>The password</source>
        <translation>Le mot de passe</translation>
    </message>
    <message>
        <source>Not given</source>
        <translation>Non indiqué</translation>
    </message>
    <message>
        <source>LizSync: offline editing of PostGIS databases</source>
        <translation>LizSync&#xa0;: édition hors ligne de bases PostGIS</translation>
    </message>
    <message>
        <source>offline,field,clone,central,synchronise,package,deploy,photos</source>
        <translation>hors ligne,terrain,clone,centrale,synchroniser,synchronisation,paquet,déployer,photos</translation>
    </message>
    <message>
        <source>your system</source>
        <translation>votre système</translation>
    </message>
    <message>
        <source>your processor</source>
        <translation>votre processeur</translation>
    </message>
    <message>
        <source>This needs the native library of LizSync. {problem} In QGIS: install the LizSync plugin for {system} ({processor}), which holds the library; or install the wheel of LizSync for the Python of QGIS, or put the file {file} into {folder}. Then start QGIS again.</source>
        <translation>La bibliothèque native de LizSync est nécessaire. {problem} Dans QGIS&#xa0;: installer l’extension LizSync pour {system} ({processor}), qui contient la bibliothèque&#xa0;; ou installer le wheel de LizSync pour le Python de QGIS, ou placer le fichier {file} dans {folder}. Redémarrer ensuite QGIS.</translation>
    </message>
    <message>
        <source>its authentication configuration “{id}” gives no user, password or certificate for PostgreSQL</source>
        <translation>sa configuration d’authentification «&#xa0;{id}&#xa0;» ne donne ni utilisateur, ni mot de passe, ni certificat pour PostgreSQL</translation>
    </message>
    <message>
        <source>Choose one of the kinds “Basic authentication” or “PKI”, and open it once to see that it is whole.</source>
        <translation>Choisir l’un des types «&#xa0;Authentification basique&#xa0;» ou «&#xa0;PKI&#xa0;», et l’ouvrir une fois pour vérifier qu’elle est complète.</translation>
    </message>
    <message>
        <source>Give QGIS the master password when it asks; without a window, let QGIS_AUTH_PASSWORD_FILE name a file that holds it.</source>
        <translation>Donner le mot de passe principal à QGIS quand il le demande&#xa0;; sans fenêtre, indiquer dans QGIS_AUTH_PASSWORD_FILE un fichier qui le contient.</translation>
    </message>
    <message>
        <source>its authentication configuration “{id}” is not in the authentication database of this profile</source>
        <translation>sa configuration d’authentification «&#xa0;{id}&#xa0;» n’est pas dans la base d’authentification de ce profil</translation>
    </message>
    <message>
        <source>[optional]</source>
        <translation>[optionnel]</translation>
    </message>
    <message>
        <source>The expression for parameter {name} has no value.</source>
        <translation>L’expression du paramètre {name} n’a pas de valeur.</translation>
    </message>
    <message>
        <source>The library {file} is of version {library}, the plugin of version {plugin}. Install both of the same version: what one of them does not know fails.</source>
        <translation>La bibliothèque {file} est de la version {library}, l’extension de la version {plugin}. Installer les deux dans la même version&#xa0;: ce que l’une ne connaît pas échoue.</translation>
    </message>
</context>
</TS>
