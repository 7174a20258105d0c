// Model E (C12.1, C12.8): what proxies tell of the members of a shared decision while earlier tries of them may have landed. Two collections, atomic (CAS) registers: 0
// is the home of both actions, 1 is where conditions are. An action is sent as a request to one of two proxies: A up to twice (its client sends it again, to any
// proxy, after no answer or an unknown one), B once. A proxy knows of each collection what it once read or decided; others may have outdated that. It takes waiting
// requests into a group, scans the home as it knows it, from each action's own first revision on, checks the conditions as it knows 1, and sends one attempt for all
// members. A member whose condition fails leaves the group, has everything looked at anew, or is refused. What was sent stays in the network: intent at 1, decision
// at 0, abort, apply and rollback happen at any time (coordinators: txpend.cpp). Its proxy learns that it was decided, or that it is dead, or nothing (unknown), or
// it crashes; the time of a member may be over at any moment. Others write 1: with each such entry the condition fails, or holds again.
// Judged is what proxies tell (a conflict of nothing that had landed when the request came, and only if the condition has failed since: else it is old) and what
// clients are told, who make a conflict unknown as long as an earlier request of theirs had no definite answer.
#include "bfs.hpp"
constexpr int NC=2,NQ=3,NG=3,P=2,R=3,FOREIGN=15,NIL=9; static const int ACT[NQ]={0,1,0}; // the action of each request
struct Tx{int part; bool cond,reads;}; static Tx T[2];                                       // collections; whether it has a condition on 1; whether it only reads 1
enum{UNSENT,WAITS,GROUPED,OVER}; enum{UNDECIDED,COMMITTED,DEAD,VANISHED}; enum{GOOD,CONFLICT,LOST};
struct S{ uint8_t rev[NC],log[NC][R+1],in,abt,tr,fo;                  // tails: attempts (+1) by revision; the intent at 1, fences at the home, truncated through, others' entries
 struct{uint8_t m,n[NC],ph;}g[NG];                                     // attempts: requests in it, targets, 0 free 1 sent 2 decided; one whose intent is at 1 may decide
 struct{uint8_t st,pr,fr,sd,rf,db,was,brk;}q[NQ];                      // requests: proxy; collections known as of after it came; home scanned; refusal; attempts in doubt; ghost: landed when it came, condition failed since
 struct{uint8_t kn[NC],kt,act,out,newest,dec,decC;}p[P];               // proxies: known revisions, members, attempt (+1), requests that had come when it was sent; those that a later decision at the home, or at both, came after
 uint8_t first[2],told[2],cd[2],bad; };                                // clients: revision first seen, told 1 done 2 not done, in doubt of an earlier request
static bool DEP,GONE,STALE,NOSCAN,FORGET,LEFTFAIL,ONEFIRST,TWICE,LATEDEC,HOMEFRESH,LOSTSCAN,VREFUSED,FELLOW,NOCD,LAX,CLIENT; static int FO,ATT,OLD; // others' entries, attempts in all, entries of 1 at the start (the last one known to the proxies)
static bool hasAct(int m,int a){for(int q=0;q<NQ;q++)if((m>>q&1)&&ACT[q]==a)return true;return false;}
static int parts(int m){int r=0;for(int q=0;q<NQ;q++)if(m>>q&1)r|=T[ACT[q]].part;return r;}
static bool writes1(int m){for(int q=0;q<NQ;q++)if((m>>q&1)&&(T[ACT[q]].part&2)&&!T[ACT[q]].reads)return true;return false;}
static int fate(const S&s,int g){ int n=s.g[g].n[0]; if(n<=s.tr)return VANISHED; if(n<=s.rev[0])return s.log[0][n]==g+1?COMMITTED:DEAD; return s.abt>>g&1?DEAD:UNDECIDED; }
static bool landed(const S&s,int a){for(int g=0;g<NG;g++)if(s.g[g].ph==2&&hasAct(s.g[g].m,a))return true;return false;}
static bool spoils(const S&s,int g,int a){return writes1(s.g[g].m)&&(hasAct(s.g[g].m,a)||(DEP&&hasAct(s.g[g].m,1-a)));} // an attempt's entry in 1 makes the condition of a fail
static int entry(const S&s,int c,int r){ return c==1&&r==s.rev[1]+1&&s.in&&s.g[s.in-1].ph==2&&writes1(s.g[s.in-1].m)?s.in:s.log[c][r]; } // decided is as good as applied
static bool fails(const S&s,int a,int r){ if(!T[a].cond)return false; int odd=0; for(int k=1;k<=r;k++){int e=entry(s,1,k); if(e==FOREIGN)odd^=1; else if(e&&spoils(s,e-1,a))return true;} return odd; } // at revision r of 1
static bool failsNow(const S&s,int a){ return fails(s,a,s.rev[1]<R?s.rev[1]+1:R); }
static int found(const S&s,int a,int from,int to,int c){for(int r=from+1;r<=to;r++){int e=entry(s,c,r);if(e&&e!=FOREIGN&&hasAct(s.g[e-1].m,a))return r;}return 0;}
static void append(S&t,int c,int e){t.rev[c]++;t.log[c][t.rev[c]]=e;if(!c)t.abt=0;}
static void over(S&t,int q){ int p=t.q[q].pr; memset(&t.q[q],0,sizeof t.q[q]); t.q[q].st=OVER; t.p[p].act&=~(1<<q); }
static bool current(const S&s,int q){return q==1||q==2||s.q[2].st==UNSENT;}
// a proxy's answer: 0 unknown, 1 done, 2 not done (a conflict, or time ran out before anything was sent)
static void answer(S&t,int q,int what,bool conflict){ int a=ACT[q]; if(what==2){ if(conflict&&t.q[q].was&&!CLIENT)t.bad=1; if(conflict&&!t.q[q].brk&&!LAX)t.bad=2; }
 if(current(t,q)&&!t.told[a]){ if(what==1||(what==2&&(!t.cd[a]||NOCD)))t.told[a]=what; else t.cd[a]=1; } over(t,q); }
static void refuseNow(S&t,int q){ if(t.q[q].rf&&(t.q[q].sd||NOSCAN))answer(t,q,t.q[q].rf==CONFLICT&&!t.q[q].db?2:0,true); }
static void looksAnew(S&t,int q){ t.q[q].fr=3;t.q[q].sd=0; if(FORGET)t.q[q].db=0; }
static void leave(S&t,int q){ auto&r=t.q[q]; r.st=WAITS;r.fr=r.sd=r.rf=0; t.p[r.pr].act&=~(1<<q); }
static void settle(S&t){ for(int k=0;k<P;k++){auto&p=t.p[k]; if(!p.act&&!p.out)p.newest=0; uint8_t here=0; for(int q=0;q<NQ;q++)if(t.q[q].st==WAITS&&t.q[q].pr==k)here|=1<<q; p.dec&=here;p.decC&=here; }
 for(int a=0;a<2;a++)if(t.told[a])t.cd[a]=0;
 int used=0; for(int q=0;q<NQ;q++)used|=t.q[q].db; for(int k=0;k<P;k++)if(t.p[k].out)used|=1<<(t.p[k].out-1); // a dead attempt that nobody knows of is forgotten
 for(int g=0;g<NG;g++)if(t.g[g].ph==1&&t.in!=g+1&&!(used>>g&1)&&t.g[g].n[0]<=t.rev[0]){memset(&t.g[g],0,sizeof t.g[g]);t.g[g].ph=3;}
 for(int q=0;q<NQ;q++)if((t.q[q].st==WAITS||t.q[q].st==GROUPED)&&failsNow(t,ACT[q]))t.q[q].brk=1; }
void next(const S&s,Checker<S>&ck){ char b[120]; if(s.bad)return; auto CA=[&](S t,const char*n){settle(t);ck.add(t,n);};
 for(int q=0;q<NQ;q++)if(s.q[q].st==UNSENT&&!s.told[ACT[q]]&&(q!=2||s.q[0].st!=UNSENT))for(int k=0;k<P;k++){ if(q==0&&k)continue; // the client sends, or sends again
  S t=s; int a=ACT[q]; if(q!=2)t.first[a]=s.rev[0]; else t.cd[a]=1; t.q[q].st=WAITS;t.q[q].pr=k;t.q[q].was=landed(s,a);t.q[q].brk=0; sprintf(b,"%c%s->p%d",'A'+a,q==2?" again":"",k);CA(t,b); }
 for(int k=0;k<P;k++){ auto&p=s.p[k]; bool any=p.act||p.out; int here=0; for(int q=0;q<NQ;q++)if(s.q[q].st==WAITS&&s.q[q].pr==k)here|=1<<q;
  if(any||here){ S t=s; for(int q=0;q<NQ;q++)if((s.q[q].st==WAITS||s.q[q].st==GROUPED)&&s.q[q].pr==k){ if(current(s,q)&&!s.told[ACT[q]])t.cd[ACT[q]]=1; over(t,q);} memset(&t.p[k],0,sizeof t.p[k]);t.p[k].kn[0]=t.p[k].kn[1]=NIL; sprintf(b,"crash(p%d)",k);CA(t,b); }
  for(int q=0;q<NQ;q++)if((s.q[q].st==WAITS||s.q[q].st==GROUPED)&&s.q[q].pr==k){ S t=s; bool out=p.out&&(p.act>>q&1); answer(t,q,s.q[q].db&&!(LEFTFAIL&&out)?0:2,false); sprintf(b,"the time of %c at p%d is over",'A'+ACT[q],k);CA(t,b); }
  if(!any)for(int m=1;m<(1<<NQ);m++)if((m&here)==m){ if((m&5)==5&&!TWICE)continue; S t=s; t.p[k].act=m; for(int q=0;q<NQ;q++)if(m>>q&1){t.q[q].st=GROUPED;t.q[q].fr=(p.dec>>q&1?1:0)|((HOMEFRESH?p.dec:p.decC)>>q&1?2:0);}
   sprintf(b,"p%d groups{%s%s%s}",k,m&1?"A":"",m&4?"A'":"",m&2?"B":"");CA(t,b); }
  if(p.act&&!p.out){ int need=parts(p.act);
   for(int c=0;c<NC;c++)if(p.kn[c]==NIL&&(need>>c&1)&&!(c==1&&s.in&&s.g[s.in-1].ph==2)){S t=s;t.p[k].kn[c]=s.rev[c];if(!c)t.p[k].kt=s.tr;sprintf(b,"p%d reads tail %d=%d",k,c,s.rev[c]);CA(t,b);}
   int fr=0; for(int q=0;q<NQ;q++)if((p.act>>q&1)&&s.first[ACT[q]]>fr)fr=s.first[ACT[q]];
   if(p.kn[0]!=NIL){ S t=s; for(int q=0;q<NQ;q++)if(p.act>>q&1){ int a=ACT[q],from=ONEFIRST?fr:s.first[a]; bool lost=p.kt>from; // scan the home
     if(lost){ if(LOSTSCAN){t.q[q].sd=1;if(!t.q[q].rf)t.q[q].rf=LOST;refuseNow(t,q);} else answer(t,q,0,false); }
     else if(found(s,a,from,p.kn[0],0))answer(t,q,1,false);
     else{ t.q[q].sd=1; for(int g=0;g<NG;g++)if(s.g[g].n[0]<=p.kn[0])t.q[q].db&=~(1<<g); refuseNow(t,q); } }
    sprintf(b,"p%d scans the home through %d",k,p.kn[0]);CA(t,b); }
   if((need&2)&&p.kn[1]!=NIL){ S t=s; bool behind=false; const char*r=""; // check the conditions
    for(int q=0;q<NQ;q++)if(p.act>>q&1){ int a=ACT[q]; bool w=(T[a].part&2)&&!T[a].reads;
     if(w&&found(s,a,0,p.kn[1],1)){ answer(t,q,1,false); r=": done earlier"; continue; }
     bool mine=fails(s,a,p.kn[1]),fellow=DEP&&behind&&T[a].cond;
     if((mine||fellow)&&!s.q[q].rf){ int full=T[a].part; bool fresh=STALE||(s.q[q].fr&full)==full;
      if(behind&&!FELLOW){leave(t,q);r=": leaves";} else if(fresh||FELLOW){t.q[q].rf=CONFLICT;r=": refused";refuseNow(t,q);}
      else if((p.act&(p.act-1))==0){looksAnew(t,q);t.p[k].kn[0]=t.p[k].kn[1]=NIL;r=": looks anew";}
      else {leave(t,q);r=": leaves";}
      continue; }
     behind=behind||w; }
    sprintf(b,"p%d checks conditions at %d%s",k,p.kn[1],r);CA(t,b); }
   bool good=p.kn[0]!=NIL&&(!(need&2)||p.kn[1]!=NIL),behind=false; // send, if nothing is in the way of any member
   if(good)for(int q=0;q<NQ;q++)if(p.act>>q&1){ int a=ACT[q]; bool w=(T[a].part&2)&&!T[a].reads;
     if(!s.q[q].sd||s.q[q].rf||found(s,a,ONEFIRST?fr:s.first[a],p.kn[0],0))good=false;
     if((T[a].part&2)&&(fails(s,a,p.kn[1])||(DEP&&behind&&T[a].cond)||(w&&found(s,a,0,p.kn[1],1))))good=false;
     behind=behind||w; }
   int g=0; while(g<ATT&&s.g[g].ph)g++;
   if(good&&p.kn[0]<R&&(!(need&2)||p.kn[1]<R)&&g<ATT){ S t=s; auto&G=t.g[g]; G.m=p.act;G.ph=1;G.n[0]=p.kn[0]+1;if(need&2)G.n[1]=p.kn[1]+1; t.p[k].out=g+1;
    t.p[k].newest=here|p.act; for(int q=0;q<NQ;q++)if(p.act>>q&1)t.q[q].db|=1<<g; sprintf(b,"p%d sends G%d@%d",k,g,G.n[0]);CA(t,b); } }
  if(p.out){ int g=p.out-1,o=fate(s,g);
   if(o==COMMITTED){ S t=s; t.p[k].out=0;t.p[k].kn[0]=s.g[g].n[0]; if(s.g[g].n[1]&&writes1(s.g[g].m))t.p[k].kn[1]=s.g[g].n[1]; int came=LATEDEC?here:p.newest; t.p[k].dec=came; t.p[k].decC=s.g[g].n[1]?came:0; // without 1 its decision says nothing of 1
    for(int q=0;q<NQ;q++)if(p.act>>q&1)answer(t,q,1,false);
    t.p[k].act=0; sprintf(b,"p%d learns G%d decided",k,g);CA(t,b); }
   if(o==DEAD||(o==VANISHED&&VREFUSED))for(int c=0;c<=NC;c++){ if(c<NC&&!s.g[g].n[c])continue; // with a newer tail of one of its collections, or with none
    S t=s; t.p[k].out=0; for(int q=0;q<NQ;q++)if(p.act>>q&1)t.q[q].db&=~(1<<g); if(c<NC&&!(c==1&&s.in&&s.g[s.in-1].ph==2)){t.p[k].kn[c]=s.rev[c];if(!c)t.p[k].kt=s.tr;} sprintf(b,"p%d learns G%d refused%s",k,g,c==NC?"":c?" (tail 1)":" (tail 0)");CA(t,b); }
   { S t=s; t.p[k].out=0;t.p[k].kn[0]=t.p[k].kn[1]=NIL; for(int q=0;q<NQ;q++)if(p.act>>q&1)looksAnew(t,q); sprintf(b,"p%d gives G%d up, unknown",k,g);CA(t,b); } } }
 for(int g=0;g<NG;g++)if(s.g[g].ph==1){ auto&G=s.g[g]; bool two=G.n[1]; // the network
  if(two&&!s.in&&s.rev[1]+1==G.n[1]){S t=s;t.in=g+1;sprintf(b,"intent(G%d)",g);CA(t,b);}
  if((!two||s.in==g+1)&&s.rev[0]+1==G.n[0]&&!(s.abt>>g&1)){ S t=s; append(t,0,g+1);t.g[g].ph=2;
   for(int q=0;q<NQ;q++)if((G.m>>q&1)&&T[ACT[q]].cond){ bool f=fails(s,ACT[q],G.n[1]-1); for(int y=0;y<q;y++)if(DEP&&(G.m>>y&1)&&ACT[y]!=ACT[q]&&writes1(1<<y))f=true; if(f)t.bad=3; }
   sprintf(b,"DECIDE(G%d)",g);CA(t,b); }
  if(!fate(s,g)&&s.rev[0]+1==G.n[0]){S t=s;t.abt|=1<<g;sprintf(b,"abort(G%d)",g);CA(t,b);} }
 if(s.in){ int g=s.in-1,o=fate(s,g); if(o==COMMITTED){S t=s;t.in=0;if(writes1(s.g[g].m))append(t,1,g+1);sprintf(b,"apply(G%d)",g);CA(t,b);} if(o>=DEAD){S t=s;t.in=0;sprintf(b,"rollback(G%d)",g);CA(t,b);} }
 else if(s.fo<FO&&s.rev[1]<R){S t=s;t.fo++;append(t,1,FOREIGN);CA(t,"other entry@1");}
 if(GONE&&s.tr<s.rev[0]){ int g=s.log[0][s.tr+1]-1; if(s.in!=g+1){S t=s;t.tr++;sprintf(b,"truncate@0 through %d",t.tr);CA(t,b);} }
}
const char*inv(const S&s){ if(s.bad==1)return "a proxy tells a conflict of what had landed before it came"; if(s.bad==2)return "a proxy tells a conflict although the condition never failed since it came"; if(s.bad==3)return "a member took effect although its condition fails at its place";
 for(int a=0;a<2;a++){ int k=0; for(int g=0;g<NG;g++)if(s.g[g].ph==2)for(int q=0;q<NQ;q++)k+=(s.g[g].m>>q&1)&&ACT[q]==a; if(k>1)return "an action took effect twice"; if(s.told[a]==2&&k)return "told that it was not done, but it took effect"; if(s.told[a]==1&&!k)return "told done without effect"; }
 return nullptr; }
int main(int c_,char**v_){ size_t lim=c_>1?strtoull(v_[1],0,10):5000000; auto go=[&](const char*nm){Checker<S> c;S s;memset(&s,0,sizeof s);for(int k=1;k<=OLD;k++)append(s,1,FOREIGN);for(int k=0;k<P;k++)s.p[k].kn[1]=OLD;c.limit=lim;c.run(s,next,inv,nm,nullptr);};
 auto rst=[&]{DEP=GONE=STALE=NOSCAN=FORGET=LEFTFAIL=ONEFIRST=TWICE=LATEDEC=HOMEFRESH=LOSTSCAN=VREFUSED=FELLOW=NOCD=LAX=CLIENT=false;FO=1;ATT=2;OLD=0;}; bool pos=c_<3||strchr(v_[2],'p'),neg=c_<3||strchr(v_[2],'n');
 auto put=[&]{rst();T[0]={3,true,false};T[1]={1,false,false};}; // A puts something into 1 that must not be there
 auto reads=[&]{rst();T[0]={3,true,true};T[1]={1,false,false};}; // A only reads 1
 auto dep=[&]{rst();T[0]={3,false,false};T[1]={3,true,false};DEP=true;FO=0;}; // A puts into 1, by which B's condition fails
 if(pos){
  put();OLD=1;go("GD0 A writes both if a condition holds, B the home only");
  put();FO=2;go("GD0' = GD0, the condition fails and holds again");
  reads();OLD=1;go("GD1 A only reads where its condition is");
  reads();FO=2;go("GD1' = GD1, the condition fails and holds again");
  dep();ATT=3;go("GD2 A's entry makes B's condition fail, three attempts");
  reads();GONE=true;go("GD3 = GD1, the home is truncated");
  reads();OLD=1;HOMEFRESH=LAX=true;go("GD4 any decision at the home is fresh, conflicts may be old");
  reads();GONE=true;LOSTSCAN=LAX=CLIENT=true;go("GD5 = GDM9, only what clients are told counts"); }
 if(neg){
  reads();OLD=1;STALE=true;go("GDM1 a conflict is told from a log that may be stale");
  reads();OLD=1;FO=2;STALE=LAX=true;go("GDM1' = GDM1, conflicts may be old");
  reads();NOSCAN=true;go("GDM2 a conflict is told before the home was scanned");
  put();FORGET=true;go("GDM3 a new look forgets earlier doubts");
  put();LEFTFAIL=true;go("GDM4 a member left out is told as failed");
  reads();ONEFIRST=true;go("GDM5 one first revision for the group (the greatest)");
  put();TWICE=true;go("GDM6 one action twice in a group");
  reads();T[1].part=3;OLD=1;LATEDEC=true;go("GDM7 a decision makes fresh what came after it was sent");
  reads();OLD=1;LATEDEC=HOMEFRESH=LAX=true;go("GDM7' = GDM7 at the home only, conflicts may be old");
  put();OLD=1;HOMEFRESH=true;go("GDM8 any decision at the home makes all collections fresh");
  reads();GONE=true;LOSTSCAN=true;go("GDM9 history that is gone counts as scanned");
  put();GONE=true;VREFUSED=true;go("GDM10 a refusal ends the doubt, the home's history is gone");
  dep();FELLOW=true;go("GDM11 a conflict with a fellow member is told");
  put();NOCD=true;go("GDM12 the client forgets its earlier request"); }
}
