# Transfers by Python's ftplib: KIND HOST PORT USER PASSWORD ACTION LOCAL REMOTE. KIND is FTP or FTP_TLS.
import ftplib
import os
import sys

kind, host, port, user, password, action, local, remote = sys.argv[1:]
ftp = getattr(ftplib, kind)()
ftp.connect(host, int(port), timeout=60)
ftp.login(user, password)
if kind == "FTP_TLS":
    ftp.prot_p()
ftp.voidcmd("TYPE I")


def put_tree(local, remote):
    ftp.mkd(remote)
    for entry in sorted(os.scandir(local), key=lambda entry: entry.name):
        if entry.is_dir():
            put_tree(entry.path, remote + "/" + entry.name)
            continue
        with open(entry.path, "rb") as file:
            ftp.storbinary("STOR " + remote + "/" + entry.name, file)


def get_tree(local, remote):
    os.mkdir(local)
    for name, facts in list(ftp.mlsd(remote)):
        if facts["type"] == "dir":
            get_tree(os.path.join(local, name), remote + "/" + name)
            continue
        with open(os.path.join(local, name), "wb") as file:
            ftp.retrbinary("RETR " + remote + "/" + name, file.write)


def put(rest):
    with open(local, "rb") as file:
        file.seek(rest or 0)
        ftp.storbinary("STOR " + remote, file, 1 << 16, rest=rest)


def get(rest):
    with open(local, "ab" if rest else "wb") as file:
        ftp.retrbinary("RETR " + remote, file.write, 1 << 16, rest=rest)


if action == "put-tree":
    put_tree(local, remote)
elif action == "get-tree":
    get_tree(local, remote)
elif action == "put":
    put(None)
elif action == "put-rest":
    put(ftp.size(remote))
elif action == "get":
    get(None)
elif action == "get-rest":
    get(os.path.getsize(local))
ftp.quit()
