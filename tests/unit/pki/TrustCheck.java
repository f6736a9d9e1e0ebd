import java.io.FileInputStream;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.Signature;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509KeyManager;
import javax.net.ssl.X509TrustManager;

/** Prints what Java makes of `node.p12` and `ca.p12` in each folder: `TrustCheck password folder…`. */
public class TrustCheck {
    public static void main(String[] arguments) throws Exception {
        for (int at = 1; at < arguments.length; at++) {
            check(arguments[at] + "/node.p12", arguments[at] + "/ca.p12", arguments[0].toCharArray());
        }
    }

    private static void check(String node, String trust, char[] password) throws Exception {
        KeyStore keystore = open(node, password);
        X509TrustManager trusting = trustManager(open(trust, password));
        KeyManagerFactory keys = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        keys.init(keystore, password);
        X509KeyManager manager = (X509KeyManager) keys.getKeyManagers()[0];
        X509Certificate[] chain = manager.getCertificateChain("node");
        String method = chain[0].getPublicKey().getAlgorithm().equals("EC") ? "ECDHE_ECDSA" : "ECDHE_RSA";
        trusting.checkServerTrusted(new X509Certificate[] {chain[0]}, method);
        System.out.println("server-trusted");
        trusting.checkClientTrusted(new X509Certificate[] {chain[0]}, chain[0].getPublicKey().getAlgorithm());
        System.out.println("client-trusted");
        System.out.println(matches(manager.getPrivateKey("node"), chain[0]) ? "key-matches" : "key-differs");
        KeyStore others = KeyStore.getInstance("PKCS12");
        others.load(null, null);
        others.setCertificateEntry("other", open(trust, password).getCertificate("ca-2"));
        try {
            trustManager(others).checkServerTrusted(new X509Certificate[] {chain[0]}, method);
        } catch (CertificateException expected) {
            System.out.println("stranger-refused");
        }
    }

    private static KeyStore open(String path, char[] password) throws Exception {
        KeyStore store = KeyStore.getInstance("PKCS12");
        try (FileInputStream content = new FileInputStream(path)) {
            store.load(content, password);
        }
        return store;
    }

    private static X509TrustManager trustManager(KeyStore truststore) throws Exception {
        TrustManagerFactory factory = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        factory.init(truststore);
        return (X509TrustManager) factory.getTrustManagers()[0];
    }

    private static boolean matches(PrivateKey key, X509Certificate certificate) throws Exception {
        Signature signature = Signature.getInstance(key.getAlgorithm().equals("EC") ? "SHA256withECDSA" : "SHA256withRSA");
        byte[] text = {1, 2, 3};
        signature.initSign(key);
        signature.update(text);
        byte[] signed = signature.sign();
        signature.initVerify(certificate.getPublicKey());
        signature.update(text);
        return signature.verify(signed);
    }
}
