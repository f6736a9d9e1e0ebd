import java.io.FileInputStream;
import java.security.KeyStore;
import java.util.Collections;
import java.util.TreeSet;

/** Lists what Java makes of a PKCS#12 store, its keys opened: `StoreList password file`. */
public class StoreList {
    public static void main(String[] arguments) throws Exception {
        char[] password = arguments[0].toCharArray();
        KeyStore store = KeyStore.getInstance("PKCS12");
        try (FileInputStream content = new FileInputStream(arguments[1])) {
            store.load(content, password);
        }
        for (String alias : new TreeSet<>(Collections.list(store.aliases()))) {
            if (store.isCertificateEntry(alias)) {
                System.out.println(alias + ":trusted");
            } else if (store.getKey(alias, password) != null) {
                System.out.println(alias + ":key:" + store.getCertificateChain(alias).length);
            }
        }
    }
}
