"""Every entry of every table of a stopped node's store, through liblmdb."""
import ctypes
import ctypes.util

MDB_RDONLY, MDB_NOLOCK, MDB_NEXT, MDB_NOTFOUND = 0x20000, 0x400000, 8, -30798


class Value(ctypes.Structure):
    _fields_ = [("size", ctypes.c_size_t), ("data", ctypes.c_void_p)]

    def bytes(self):
        return ctypes.string_at(self.data, self.size)


def library():
    lmdb = ctypes.CDLL(ctypes.util.find_library("lmdb") or "liblmdb.so.0")
    lmdb.mdb_strerror.restype = ctypes.c_char_p
    return lmdb


def entries(lmdb, txn, name):
    """[(key, value)] of one table; None names the table of tables."""
    table, cursor = ctypes.c_uint(), ctypes.c_void_p()
    check(lmdb, lmdb.mdb_dbi_open(txn, name, 0, ctypes.byref(table)))
    check(lmdb, lmdb.mdb_cursor_open(txn, table, ctypes.byref(cursor)))
    found, key, value = [], Value(), Value()
    while (result := lmdb.mdb_cursor_get(cursor, ctypes.byref(key), ctypes.byref(value), MDB_NEXT)) == 0:
        found.append((key.bytes(), value.bytes()))
    lmdb.mdb_cursor_close(cursor)
    if result != MDB_NOTFOUND:
        check(lmdb, result)
    return found


def check(lmdb, result):
    assert result == 0, lmdb.mdb_strerror(result)


def tables(store):
    """Name -> [(key, value)] of the store in the folder."""
    lmdb, env, txn = library(), ctypes.c_void_p(), ctypes.c_void_p()
    check(lmdb, lmdb.mdb_env_create(ctypes.byref(env)))
    check(lmdb, lmdb.mdb_env_set_maxdbs(env, 64))
    check(lmdb, lmdb.mdb_env_open(env, str(store).encode(), MDB_RDONLY | MDB_NOLOCK, 0o600))
    check(lmdb, lmdb.mdb_txn_begin(env, None, MDB_RDONLY, ctypes.byref(txn)))
    found = {name.decode(): entries(lmdb, txn, name) for name, _ in entries(lmdb, txn, None)}
    lmdb.mdb_txn_abort(txn)
    lmdb.mdb_env_close(env)
    return found
